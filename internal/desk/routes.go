package desk

// A route is one line of the list below: what is asked for, what it takes, and
// who answers.
type route struct {
	pattern string
	need    Role // "" for anyone
	fresh   bool // she must have signed in a short time ago
	handle  func(*visit) error
}

// allRoutes are all pages there are. The tests of authorisation are made from it.
func (s *Server) allRoutes() []route {
	return []route{
		{pattern: "GET /static/{name}", handle: s.static},
		{pattern: "GET /", handle: s.nothing},

		// Signing in.
		{pattern: "GET /{$}", handle: s.home},
		{pattern: "POST /signin/begin", handle: s.beginSignIn},
		{pattern: "POST /signin/finish", handle: s.finishSignIn},
		{pattern: "GET /signin/company", handle: s.goToCompany},
		{pattern: "GET /signin/back", handle: s.backFromCompany},
		{pattern: "GET /join/{invite}", handle: s.showJoin},
		{pattern: "POST /join/{invite}/begin", handle: s.beginJoin},
		{pattern: "POST /join/{invite}/finish", handle: s.finishJoin},
		{pattern: "GET /join/{invite}/company", handle: s.joinByCompany},
		{pattern: "POST /join/{invite}/demo", handle: s.joinDemo},
		{pattern: "POST /signout", need: Reader, handle: s.signOut},

		// What is owed.
		{pattern: "GET /due", need: Reader, handle: s.showDue},
		{pattern: "GET /requests/{rel}/{entry}", need: Reader, handle: s.showRequest},
		{pattern: "POST /requests/{rel}/{entry}/accept", need: Agent, handle: s.acceptRequest},
		{pattern: "POST /requests/{rel}/{entry}/apply", need: Agent, handle: s.applyRequest},
		{pattern: "POST /requests/{rel}/{entry}/refuse", need: Agent, handle: s.refuseRequest},
		{pattern: "POST /requests/{rel}/{entry}/answer", need: Agent, handle: s.answerRequest},
		{pattern: "POST /requests/{rel}/{entry}/challenge", need: Agent, handle: s.challengeRequest},
		{pattern: "POST /requests/{rel}/{entry}/code", need: Agent, fresh: true, handle: s.giveCode},
		{pattern: "POST /requests/{rel}/{entry}/retry", need: Agent, handle: s.retryRequest},

		// One customer.
		{pattern: "GET /relationships", need: Reader, handle: s.showFind},
		{pattern: "POST /relationships", need: Reader, handle: s.find},
		{pattern: "GET /relationships/{rel}", need: Reader, handle: s.showRelationship},
		{pattern: "POST /relationships/{rel}/ask", need: Agent, handle: s.ask},
		{pattern: "POST /relationships/{rel}/message", need: Agent, handle: s.message},

		// How it goes.
		{pattern: "GET /numbers", need: Reader, handle: s.showNumbers},
		{pattern: "GET /connect", need: Reader, handle: s.showConnect},
		{pattern: "POST /connect/check", need: Admin, fresh: true, handle: s.check},

		// Staff.
		{pattern: "GET /staff", need: Admin, handle: s.showStaff},
		{pattern: "POST /staff/invite", need: Admin, fresh: true, handle: s.invite},
		{pattern: "POST /staff/{id}/role", need: Admin, fresh: true, handle: s.setRole},
		{pattern: "POST /staff/{id}/remove", need: Admin, fresh: true, handle: s.remove},
		{pattern: "GET /audit", need: Admin, handle: s.showAudit},
	}
}

// nothing serves all that there is not.
func (s *Server) nothing(*visit) error { return errNoPage }
