package rt

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"firsthand/fault"
)

// Staff merge tickets. RT then shows the one where it is asked for the other, and finds
// the other only by its effective id. What was merged keeps its custom fields, and so
// whose it is: what is said in the one ticket goes to everybody whose it has become, as
// RT's own mail does, and what they say comes into it. What was said before the merge
// stays with whom it was said to.

// merged is the condition by which RT finds what was merged as well.
const merged = " AND EffectiveId > 0"

// ticketFields are what is read of tickets that are searched for.
const ticketFields = "Status,CustomFields,Cc,EffectiveId"

// A reference is the number of another record, which RT writes as such, or in an object.
type reference struct{ ID word }

// UnmarshalJSON implements [json.Unmarshaler].
func (r *reference) UnmarshalJSON(text []byte) error {
	var object struct{ ID word }
	if json.Unmarshal(text, &object) == nil {
		r.ID = object.ID
		return nil
	}
	return r.ID.UnmarshalJSON(text)
}

// into returns the number of the ticket that x was merged into, its own if into none.
func (x *ticket) into() string {
	if isNumber(string(x.EffectiveId.ID)) {
		return string(x.EffectiveId.ID)
	}
	return string(x.ID)
}

func (x *ticket) merged() bool { return x.into() != string(x.ID) }

// gathered returns the ticket of that number, also if it was merged into another, and
// those that were merged into it.
func (t *Tracker) gathered(ctx context.Context, id string) ([]ticket, error) {
	return found[ticket](ctx, t.client, "tickets", ticketFields, nil, fmt.Sprintf("EffectiveId = %s OR id = %s", id, id))
}

// mergedAt returns the transaction by which the ticket id became a part of the ticket
// into, perhaps by way of others; 0 if RT doesn't show it.
func (t *Tracker) mergedAt(ctx context.Context, id, into string) (last uint64, err error) {
	for range 8 {
		all, err := found[transaction](ctx, t.client, "transactions", transactionFields, []limit{{Field: "ObjectType", Value: "RT::Ticket"}, {Field: "ObjectId", Value: id},
			{Field: "Type", Value: "AddLink"}, {Field: "Field", Value: "MergedInto"}}, "")
		if err != nil {
			return 0, err
		}
		if len(all) == 0 {
			return 0, nil
		}
		x := all[len(all)-1]
		n, err := strconv.ParseUint(string(x.ID), 10, 63)
		if err != nil {
			return 0, fault.Tell(fault.Invalid, "what RT says of a transaction can't be read", "")
		}
		last = max(last, n)
		to := string(x.NewValue)
		if id = to[strings.LastIndexByte(to, '/')+1:]; id == into { // a URI of RT's own
			return last, nil
		}
		if !isNumber(id) {
			break
		}
	}
	return 0, nil
}
