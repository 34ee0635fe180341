package web

// A level is how far a request may go.
type level int

const (
	anyone level = iota // nobody knows this browser
	linked              // it came by a link
	inside              // and the passphrase was given, and the file is open
)

// A route is one line of the list below: what is asked for, what it takes, and
// who answers.
type route struct {
	pattern string
	need    level
	fresh   bool // the passphrase must have been given a short time ago
	stream  bool // the body is read as it arrives, and may be large
	handle  func(*visit) error
}

// allRoutes are all pages there are. The tests of authorisation are made from it.
func (s *Server) allRoutes() []route {
	return []route{
		{pattern: "GET /static/{name}", handle: s.static},
		{pattern: "GET /enter/{link}", handle: s.enter},
		{pattern: "GET /calendar/{word}", handle: s.calendar},
		{pattern: "GET /meet", handle: s.showMeet},
		{pattern: "GET /", handle: s.nothing},

		// Before she is in.
		{pattern: "GET /{$}", need: linked, handle: s.home},
		{pattern: "POST /unlock", need: linked, handle: s.unlock},
		{pattern: "POST /setup", need: linked, handle: s.begin},
		{pattern: "GET /setup/kit", need: linked, handle: s.showKit},
		{pattern: "POST /setup/kit.txt", need: linked, handle: s.saveKit},
		{pattern: "POST /setup/done", need: linked, handle: s.create},
		{pattern: "GET /restore", need: linked, handle: s.showRestore},
		{pattern: "POST /restore", need: linked, stream: true, handle: s.restore},
		{pattern: "POST /lock", need: linked, handle: s.lock},

		// Today.
		{pattern: "GET /today", need: inside, handle: s.showToday},
		{pattern: "POST /today/later", need: inside, handle: s.laterCard},
		{pattern: "POST /today/back", need: inside, handle: s.bringBack},

		// Bringing a list.
		{pattern: "GET /import", need: inside, handle: s.showBring},
		{pattern: "POST /import", need: inside, stream: true, handle: s.bring},
		{pattern: "GET /imports/{id}", need: inside, handle: s.showImport},
		{pattern: "POST /imports/{id}/keep", need: inside, handle: s.keepImport},
		{pattern: "POST /imports/{id}/undo", need: inside, handle: s.undoImport},
		{pattern: "POST /imports/{id}/assign", need: inside, handle: s.assignAccount},
		{pattern: "POST /imports/{id}/card", need: inside, handle: s.takeCard},
		{pattern: "POST /suggestions", need: inside, handle: s.takeSuggestion},

		{pattern: "GET /import/columns", need: inside, handle: s.showColumns},
		{pattern: "POST /import/columns", need: inside, handle: s.saveColumns},
		{pattern: "POST /import/columns/drop", need: inside, handle: s.dropColumns},

		// Dates and money.
		{pattern: "GET /money", need: inside, handle: s.showMoney},
		{pattern: "GET /money/new", need: inside, handle: s.showNewContract},
		{pattern: "POST /money/new", need: inside, handle: s.addContract},
		{pattern: "POST /money/calendar", need: inside, fresh: true, handle: s.openCalendar},
		{pattern: "POST /money/calendar/close", need: inside, handle: s.closeCalendar},
		{pattern: "GET /money/{ref}", need: inside, handle: s.showContract},
		{pattern: "POST /money/{ref}", need: inside, handle: s.editContract},
		{pattern: "POST /money/{ref}/keep", need: inside, handle: s.keepContract},
		{pattern: "POST /money/{ref}/drop", need: inside, handle: s.dropContract},
		{pattern: "GET /money/{ref}/cancel", need: inside, handle: s.showCancel},
		{pattern: "POST /money/{ref}/cancel", need: inside, fresh: true, handle: s.cancelContract},
		{pattern: "GET /money/{ref}/haggle", need: inside, handle: s.showHaggle},
		{pattern: "POST /money/{ref}/haggle", need: inside, fresh: true, handle: s.haggleContract},

		// Companies.
		{pattern: "POST /meet", need: inside, handle: s.introduce},
		{pattern: "POST /meet/{domain}", need: inside, handle: s.meet},
		{pattern: "GET /companies", need: inside, handle: s.showCompanies},
		{pattern: "POST /companies", need: inside, handle: s.addCompany},
		{pattern: "POST /companies/many", need: inside, handle: s.manyCompanies},
		{pattern: "POST /companies/meet", need: inside, handle: s.meetMany},
		{pattern: "GET /companies/{domain}", need: inside, handle: s.showCompany},
		{pattern: "POST /companies/{domain}/confirm", need: inside, handle: s.confirmCompany},
		{pattern: "POST /companies/{domain}/drop", need: inside, handle: s.dropCompany},
		{pattern: "POST /companies/{domain}/group", need: inside, handle: s.groupCompany},
		{pattern: "POST /companies/{domain}/channel", need: inside, handle: s.setChannel},
		{pattern: "POST /companies/{domain}/unstate", need: inside, handle: s.unstateCompany},
		{pattern: "POST /companies/{domain}/writing", need: inside, handle: s.setWriting},
		{pattern: "GET /companies/{domain}/do/{act}", need: inside, handle: s.showAct},
		{pattern: "POST /companies/{domain}/do/{act}", need: inside, handle: s.doAct},
		{pattern: "GET /relationships/{rel}/entries/{entry}", need: inside, handle: s.showEntry},
		{pattern: "GET /relationships/{rel}/bundle", need: inside, handle: s.saveBundle},

		// Her.
		{pattern: "GET /me", need: inside, handle: s.showMe},
		{pattern: "POST /me", need: inside, handle: s.setFact},
		{pattern: "GET /me/{fact}", need: inside, handle: s.showFact},
		{pattern: "POST /me/{fact}/rule", need: inside, handle: s.setRule},
		{pattern: "POST /me/{fact}/forget", need: inside, handle: s.forgetFact},

		// Addresses that one company has each.
		{pattern: "GET /masks", need: inside, handle: s.showMasks},
		{pattern: "POST /masks", need: inside, fresh: true, handle: s.setMasks},
		{pattern: "POST /companies/{domain}/mask", need: inside, handle: s.maskCompany},
		{pattern: "POST /companies/{domain}/leak", need: inside, handle: s.judgeLeak},

		// Changes.
		{pattern: "GET /rights", need: inside, handle: s.showRights},
		{pattern: "POST /rights", need: inside, handle: s.draftRights},
		{pattern: "GET /change", need: inside, handle: s.showChange},
		{pattern: "POST /change", need: inside, handle: s.draftChange},
		{pattern: "GET /change/{draft}", need: inside, handle: s.previewChange},
		{pattern: "POST /change/{draft}", need: inside, fresh: true, handle: s.sendChange},
		{pattern: "GET /changes", need: inside, handle: s.showChanges},
		{pattern: "GET /changes/{id}", need: inside, handle: s.showBoard},
		{pattern: "POST /changes/{id}/pause", need: inside, handle: s.pauseMove},
		{pattern: "POST /changes/{id}/retry", need: inside, handle: s.retryMove},
		{pattern: "POST /changes/{id}/cancel", need: inside, handle: s.cancelMove},

		// Tasks.
		{pattern: "GET /tasks", need: inside, handle: s.showTasks},
		{pattern: "GET /tasks/{entry}", need: inside, handle: s.showTask},
		{pattern: "POST /tasks/{entry}/done", need: inside, handle: s.doneTask},
		{pattern: "POST /tasks/{entry}/reopen", need: inside, handle: s.reopenTask},
		{pattern: "POST /tasks/{entry}/remind", need: inside, handle: s.remindTask},
		{pattern: "POST /tasks/{entry}/posted", need: inside, handle: s.postedTask},
		{pattern: "GET /tasks/{entry}/letter", need: inside, handle: s.saveLetter},
		{pattern: "GET /letters", need: inside, handle: s.saveLetters},

		{pattern: "POST /tasks/{entry}/mail", need: inside, fresh: true, handle: s.sendMail},
		{pattern: "POST /tasks/{entry}/mail/settle", need: inside, handle: s.settleMail},
		{pattern: "GET /tasks/{entry}/complaint", need: inside, handle: s.showComplaint},

		// Mail.
		{pattern: "GET /mail", need: inside, handle: s.showMail},
		{pattern: "POST /mail/account", need: inside, handle: s.setAccount},
		{pattern: "POST /mail/check", need: inside, handle: s.checkAccount},
		{pattern: "POST /mail/drop", need: inside, handle: s.dropAccount},
		{pattern: "POST /mail/rule", need: inside, handle: s.setMailRule},
		{pattern: "POST /companies/{domain}/address", need: inside, handle: s.setAddress},
		{pattern: "GET /answers/{id}", need: inside, handle: s.showAnswer},
		{pattern: "POST /answers/{id}/mark", need: inside, handle: s.markAnswer},
		{pattern: "POST /answers/{id}/drop", need: inside, handle: s.dropAnswer},
		{pattern: "GET /answers/{id}/attachments/{n}", need: inside, handle: s.saveAttachment},

		// Documents of companies.
		{pattern: "POST /companies/{domain}/documents", need: inside, stream: true, handle: s.addDocument},
		{pattern: "POST /answers/{id}/attachments/{n}/keep", need: inside, handle: s.keepAttachment},
		{pattern: "GET /documents/{id}", need: inside, handle: s.showDocument},
		{pattern: "GET /documents/{id}/file", need: inside, handle: s.saveDocument},
		{pattern: "POST /documents/{id}/take", need: inside, handle: s.takeOver},
		{pattern: "POST /documents/{id}/back", need: inside, handle: s.takeBack},
		{pattern: "POST /documents/{id}/answers", need: inside, handle: s.answerRequest},
		{pattern: "POST /documents/{id}/drop", need: inside, handle: s.dropDocument},

		// Terms.
		{pattern: "GET /terms", need: inside, handle: s.showTerms},
		{pattern: "GET /terms/{code}", need: inside, handle: s.showAgreement},
		{pattern: "POST /terms/{code}/offer", need: inside, handle: s.offerAll},

		// Safety and record.
		{pattern: "GET /safety", need: inside, handle: s.showSafety},
		{pattern: "POST /safety/backup", need: inside, fresh: true, handle: s.backup},
		{pattern: "POST /safety/export", need: inside, fresh: true, handle: s.export},
		{pattern: "POST /safety/verify", need: inside, handle: s.verify},
		{pattern: "POST /safety/kit", need: inside, fresh: true, handle: s.refill},
		{pattern: "POST /safety/passphrase", need: inside, fresh: true, handle: s.setPassphrase},
		{pattern: "POST /safety/sessions/{id}/end", need: inside, handle: s.endSession},
	}
}

// nothing serves all that there is not.
func (s *Server) nothing(*visit) error { return errNoPage }
