package rt_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"firsthand/connector"
	"firsthand/connector/rt"
	"firsthand/fault"
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
	for _, tt := range []struct {
		config rt.Config
		says   string // "" for nothing wrong
	}{
		{config("Nothing"), ""}, {propose, ""},
		{config("AdminUsers"), "AdminUsers"}, {config("SeeCustomField"), "custom field"}, {config("ModifyCustomField"), "ModifyCustomField"},
		{config("SeeQueue"), "SeeQueue"}, {config("ShowTicket"), "ShowTicket"}, {config("CreateTicket"), "CreateTicket"},
		{config("ReplyToTicket"), "ReplyToTicket"}, {config("ModifyTicket"), "ModifyTicket"},
		{other, "token is not that of"}, {one, "one value only"}, {done, `can't become "closed"`}, {nowhere, `no queue "Nowhere"`},
	} {
		c, err := rt.Open(tt.config)
		must(t, err)
		var wrong, facts []string
		for _, f := range c.Check(t.Context()) {
			if f.Err != nil {
				wrong = append(wrong, fmt.Sprintf("%s: %v; %s", f.What, f.Err, fault.HintOf(f.Err)))
				var n *fault.Notice
				if !errors.As(f.Err, &n) {
					t.Errorf("%s: not for people: %v", tt.config.User, f.Err)
				}
			}
			facts = append(facts, f.What+": "+f.Note)
		}
		if tt.says == "" && len(wrong) > 0 || tt.says != "" && !strings.Contains(strings.Join(wrong, "\n"), tt.says) {
			t.Errorf("%+v\nsays %q, want %q", tt.config, wrong, tt.says)
		}
		if all := strings.Join(facts, "\n"); !strings.Contains(all, "forgetting: RT keeps") {
			t.Errorf("that RT can't forget isn't among the facts:\n%s", all)
		}
	}
	var _ connector.Checker = (*rt.Tracker)(nil)
}
