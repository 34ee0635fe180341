package rt_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"firsthand"
	"firsthand/connector"
	"firsthand/connector/rt"
	"firsthand/fault"
	"firsthand/internal/gateway"
	"firsthand/internal/gateway/gatewaytest"
	"firsthand/internal/systems"
)

// The users of this test have the rights that docs/connecting-request-tracker.md asks
// for, but the one of their name; of two, the token is somebody else's, or a field takes
// one value only.
const users = `
my @global = qw(AdminUsers SeeCustomField ModifyCustomField);
my @queue = qw(SeeQueue ShowTicket CreateTicket ReplyToTicket ModifyTicket);
our @CustomFields = ({ Name => 'One Value', Type => 'FreeformSingle', LookupType => 'RT::User' });
our @Final = (sub {
  my $q = RT::Queue->new(RT->SystemUser); $q->Load('Customer Care');
  for my $lacks (@global, @queue, 'Nothing') {
    my $u = RT::User->new(RT->SystemUser);
    my ($ok, $m) = $u->Create(Name => "lacks$lacks", Privileged => 1); die $m unless $ok;
    for my $r (@global) { $u->PrincipalObj->GrantRight(Right => $r, Object => $RT::System) unless $r eq $lacks }
    for my $r (@queue) { $u->PrincipalObj->GrantRight(Right => $r, Object => $q) unless $r eq $lacks }
    my $t = RT::AuthToken->new(RT->SystemUser);
    ($ok, $m, my $secret) = $t->Create(Owner => $u->Id, Description => 'test'); die $m unless $ok;
    open my $f, '>', "$ENV{FIRSTHAND_RT_DIR}/token-$lacks" or die $!; print $f $secret; close $f or die $!;
  }
});
1;
`

// Whatever right the gateway's user lacks, the check names it.
func TestCheckNamesTheRight(t *testing.T) {
	s := start(t)
	must(t, s.Insert(t.Context(), users))
	config := func(lacks string) rt.Config {
		return rt.Config{URL: s.URL, Queue: s.Queue, User: "lacks" + lacks, TokenFile: filepath.Join(filepath.Dir(s.TokenFile), "token-"+lacks)}
	}
	propose, other, one := config("AdminUsers"), config("Nothing"), config("Nothing")
	propose.Mode = rt.Propose
	other.User = s.User
	one.Fields.Requests = "One Value"
	done, nowhere := config("Nothing"), config("Nothing")
	done.Done = []string{"closed"}
	nowhere.Queue = "Nowhere"
	type trial struct {
		config rt.Config
		says   string // "" for nothing wrong
	}
	byUser := map[string][]trial{} // each of which has one check at a time
	for _, tt := range []trial{
		{config("Nothing"), ""}, {propose, ""},
		{config("AdminUsers"), "AdminUsers"}, {config("SeeCustomField"), "custom field"}, {config("ModifyCustomField"), "ModifyCustomField"},
		{config("SeeQueue"), "SeeQueue"}, {config("ShowTicket"), "ShowTicket"}, {config("CreateTicket"), "CreateTicket"},
		{config("ReplyToTicket"), "ReplyToTicket"}, {config("ModifyTicket"), "ModifyTicket"},
		{other, "token is not that of"}, {one, "one value only"}, {done, `can't become "closed"`}, {nowhere, `no queue "Nowhere"`},
	} {
		byUser[tt.config.User] = append(byUser[tt.config.User], tt)
	}
	t.Run("each", func(t *testing.T) {
		for user, trials := range byUser {
			t.Run(user, func(t *testing.T) {
				t.Parallel()
				for _, tt := range trials {
					try(t, tt.config, tt.says)
				}
			})
		}
	})
	t.Run("with a customer who doesn't exist", func(t *testing.T) { nobody(t, s, config) })
}

var (
	_ connector.Checker = (*rt.Tracker)(nil)
	_ connector.Clearer = (*rt.Tracker)(nil)
)

// try holds that the check of a connector says something, or nothing.
func try(t *testing.T, config rt.Config, says string) {
	c, err := rt.Open(config)
	must(t, err)
	var wrong, facts []string
	for _, f := range c.Check(t.Context()) {
		if f.Err != nil {
			wrong = append(wrong, fmt.Sprintf("%s: %v; %s", f.What, f.Err, fault.HintOf(f.Err)))
			var n *fault.Notice
			if !errors.As(f.Err, &n) {
				t.Errorf("%s: not for people: %v", config.User, f.Err)
			}
		}
		facts = append(facts, f.What+": "+f.Note)
	}
	if says == "" && len(wrong) > 0 || says != "" && !strings.Contains(strings.Join(wrong, "\n"), says) {
		t.Errorf("%+v\nsays %q, want %q", config, wrong, says)
	}
	if all := strings.Join(facts, "\n"); !strings.Contains(all, "forgetting: RT keeps") {
		t.Errorf("that RT can't forget isn't among the facts:\n%s", all)
	}
}

// nobody is the whole check of a desk: it is green where RT is right, though some of it
// is by hand, and leaves nothing in staff's way; without a right it is red and says which.
func nobody(t *testing.T, s *systems.RT, config func(lacks string) rt.Config) {
	o := &office{RT: s}
	inTheWay := func() string { // users who aren't disabled, and tickets that wait
		var users, tickets struct{ Items []struct{ ID string } } // the last hundred
		o.call(t, http.MethodPost, "/users?per_page=100&orderby=id&order=DESC", []any{map[string]string{"field": "Name", "operator": "LIKE", "value": "firsthand:"}}, &users)
		o.call(t, http.MethodGet, "/tickets?"+url.Values{"per_page": {"100"}, "orderby": {"id"}, "order": {"DESC"}, "query": {"Status = '__Active__'"}}.Encode(), nil, &tickets)
		return fmt.Sprint("users ", users.Items, ", tickets ", tickets.Items)
	}
	propose := config("Nothing")
	propose.Mode = rt.Propose
	for _, tt := range []struct {
		config rt.Config
		wrong  string
		hand   []string
	}{
		{config("Nothing"), "", []string{"withdraw", "clean"}},
		{propose, "", []string{"tell", "read", "change", "withdraw", "clean"}},
		{config("ModifyTicket"), "ModifyTicket", nil},
	} {
		c, err := rt.Open(tt.config)
		must(t, err)
		key := gatewaytest.KeyOf("company")
		g, err := gateway.New(gateway.Options{
			Company: firsthand.Company{Domain: "acme.example", Name: "Acme BV", Jurisdiction: "BE", Gateway: "https://gw.acme.example"},
			Keys: &gateway.Keys{Signers: []*firsthand.Signer{key},
				Chain: []firsthand.ChainKey{{Key: key.Public(), Next: gatewaytest.KeyOf("company next").Public().Hash()}}},
			Store: gatewaytest.NewMemory(), Connector: c,
		})
		must(t, err)
		before := inTheWay()
		steps, err := g.Trial(t.Context(), "ann", gatewaytest.NewMemory(), time.Minute)
		must(t, err)
		var wrong, hand []string
		for _, step := range steps {
			if !step.Fine {
				wrong = append(wrong, step.What+": "+step.Note)
			}
			if step.Hand {
				hand = append(hand, step.What)
			}
			if step.What == "clean" && tt.wrong == "" && !strings.Contains(step.Note, "rt-shredder") {
				t.Errorf("what stays in RT, and how it goes, isn't said: %q", step.Note)
			}
		}
		if tt.wrong == "" && (len(wrong) > 0 || !slices.Equal(hand, tt.hand)) {
			t.Errorf("%s: wrong %q, by hand %q; want %q by hand, and nothing wrong", tt.config.Mode, wrong, hand, tt.hand)
		}
		if tt.wrong != "" && !strings.Contains(strings.Join(wrong, "\n"), tt.wrong) {
			t.Errorf("without %s: %q", tt.wrong, wrong)
		}
		if after := inTheWay(); tt.wrong == "" && tt.config.Mode != rt.Propose && after != before {
			t.Errorf("the check leaves in staff's way: %s, and before %s", after, before)
		}
	}
}
