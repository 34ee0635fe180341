package web

import (
	"net/http"
	"strings"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
)

// A TasksPage is what she carries herself.
type TasksPage struct {
	Tasks []agent.Task
	Show  string
	Pager Pager
	// Letters is how many wait to be printed.
	Letters int
}

const tasksLimit = 50

// showTasks serves GET /tasks: ?show=due, done or all.
func (s *Server) showTasks(v *visit) error {
	p := TasksPage{Show: v.URL.Query().Get("show"), Pager: newPager(v, tasksLimit)}
	switch p.Show {
	case "", "due", "done", "all":
	default:
		p.Show = ""
	}
	tasks, total, err := v.agent().Tasks(v.ctx(), agent.TaskQuery{Show: p.Show, Offset: p.Pager.offset, Limit: tasksLimit})
	if err != nil {
		return err
	}
	p.Tasks = openTasks(tasks)
	p.Pager.total(total)
	letters, err := v.agent().PaperLetters(v.ctx())
	if err != nil {
		return err
	}
	p.Letters = len(letters)
	return s.render(v, http.StatusOK, "tasks", p)
}

// openTasks names the step of tasks that are open, which is none.
func openTasks(tasks []agent.Task) []agent.Task {
	for i := range tasks {
		if tasks[i].Step == "" {
			tasks[i].Step = "open"
		}
	}
	return tasks
}

// A TaskPage is one thing to carry: where to go, what to enter, and what came of
// it.
type TaskPage struct {
	Task agent.Task
	Form Form
	Back string // the change that it belongs to
	Saws []Option
	// Letter says that an address is known to which it can be posted.
	Letter bool

	// Mail is the mail that would carry it, or does; Reminder the one that would
	// remind of it. Nil where there can be none. Overdue says that the day has passed.
	Mail, Reminder *agent.MailDraft
	Overdue        bool
}

// showTask serves GET /tasks/{entry}.
func (s *Server) showTask(v *visit) error { return s.task(v, http.StatusOK, newForm()) }

func (s *Server) task(v *visit, status int, f Form) error {
	id, err := v.id("entry")
	if err != nil {
		return err
	}
	t, err := v.agent().Task(v.ctx(), id)
	if err != nil {
		return err
	}
	t = openTasks([]agent.Task{t})[0]
	if !f.Values.Has("remind") {
		f.Values.Set("remind", string(t.Remind))
	}
	p := TaskPage{Task: t, Form: f}
	w, err := v.agent().Writing(v.ctx(), t.Domain)
	if err != nil {
		return err
	}
	p.Letter = len(w.Address) > 1
	if t.Move != 0 {
		p.Back = pathOf("changes", itoa(t.Move))
	}
	for _, saw := range []string{"sent", "applied", "refused"} {
		p.Saws = append(p.Saws, Option{Value: saw, Text: v.lang.Word("saw", saw)})
	}
	if err := p.mail(v); err != nil {
		return err
	}
	return s.render(v, status, "task", p)
}

// id returns an entry's id of the path.
func (v *visit) id(name string) (firsthand.ID, error) {
	id, err := firsthand.ParseID(v.PathValue(name))
	if err != nil || id.IsZero() {
		return id, errNoPage
	}
	return id, nil
}

// doneTask serves POST /tasks/{entry}/done: what she saw, with a note.
func (s *Server) doneTask(v *visit) error {
	id, err := v.id("entry")
	if err != nil {
		return err
	}
	f := v.form()
	saw := f.Value("saw")
	if saw != "sent" && saw != "applied" && saw != "refused" {
		f.fault("saw", v.say("task.no_saw"))
		return s.task(v, http.StatusUnprocessableEntity, f)
	}
	return s.onTask(v, &f, func() (string, error) {
		if err := v.agent().Done(v.ctx(), id, saw, strings.TrimSpace(f.Value("note"))); err != nil {
			return "", err
		}
		return pathOf("tasks", id.String()) + "?did=done", nil
	})
}

// reopenTask serves POST /tasks/{entry}/reopen.
func (s *Server) reopenTask(v *visit) error {
	id, err := v.id("entry")
	if err != nil {
		return err
	}
	f := v.form()
	return s.onTask(v, &f, func() (string, error) {
		return pathOf("tasks", id.String()) + "?did=undone", v.agent().Reopen(v.ctx(), id)
	})
}

// remindTask serves POST /tasks/{entry}/remind.
func (s *Server) remindTask(v *visit) error {
	id, err := v.id("entry")
	if err != nil {
		return err
	}
	f := v.form()
	on, err := firsthand.ParseDate(f.Value("remind"))
	if err != nil {
		f.fault("remind", v.say("form.date"))
		return s.task(v, http.StatusUnprocessableEntity, f)
	}
	return s.onTask(v, &f, func() (string, error) {
		return pathOf("tasks", id.String()) + "?did=saved", v.agent().Remind(v.ctx(), id, on)
	})
}

func (s *Server) onTask(v *visit, f *Form, fn func() (string, error)) error {
	err := v.once(fn)
	if err == nil || fault.KindOf(err) == fault.NotExist || !again(f, err) {
		return err
	}
	return s.task(v, http.StatusUnprocessableEntity, *f)
}
