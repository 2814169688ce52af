package handlers

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"

	"xiaoka/cards"
	"xiaoka/identity"
	"xiaoka/ledger"
)

// A newcomer is a member whose userid the register does not have. They give a
// student number and prove by a code, sent to the address on record for it,
// that it is theirs. What they are told never depends on whether the number
// is on record: the look-up and the sending happen after the answer, and
// every wrong code gets the same words.

const (
	newcomerAsks  = 5  // codes an hour that one member may have sent
	newcomerTries = 10 // codes an hour that one member may try
	newcomerLife  = 30 * time.Minute
	newcomerSend  = 30 * time.Second // for the mail or message to leave
)

// Newcomers links members to people. It serves the chat and the pages, and is
// safe for concurrent use.
type Newcomers struct {
	apps    *Apps
	sending sync.WaitGroup
}

// Newcomers returns the one of these apps.
func (a *Apps) Newcomers() *Newcomers { return a.newcomers }

// Channels lists the ways a code can travel here, whoever asks.
func (n *Newcomers) Channels() (offered []ledger.Channel) {
	anybody := ledger.Person{Email: "a@example.edu.cn", Phone: "13800000000"}
	for _, address := range n.apps.Codes.Addresses(anybody) {
		offered = append(offered, address.Channel)
	}
	return offered
}

// Ask takes the student number a member gives and has a code sent to the
// address on record for it, if there is one. It does not tell. A wait above 0
// means that this member has asked too often; no code goes out then.
func (n *Newcomers) Ask(ctx context.Context, userID, number string, channel ledger.Channel, lang ledger.Lang) (wait time.Duration, err error) {
	a := n.apps
	userID = ledger.NormalUserID(userID)
	wait, err = a.Pace.Take(ctx, "newcomer:"+userID, newcomerAsks, time.Hour)
	if err != nil || wait > 0 {
		return wait, err
	}
	if err := a.Pace.Note(ctx, newcomerNote(userID), number, newcomerLife); err != nil {
		return 0, err
	}
	ctx = context.WithoutCancel(ctx)
	n.sending.Go(func() {
		ctx, cancel := context.WithTimeout(ctx, newcomerSend)
		defer cancel()
		if err := n.send(ctx, number, channel, lang); err != nil {
			a.Log.Error("code for a newcomer not sent", "channel", channel, "err", err)
		}
	})
	return 0, nil
}

func newcomerNote(userID string) string { return "newcomer:" + userID }

// send sends the code by the channel, or by the other one where the person has
// no address for it.
func (n *Newcomers) send(ctx context.Context, number string, channel ledger.Channel, lang ledger.Lang) error {
	a := n.apps
	person, err := n.person(ctx, number)
	if err != nil || person.ID == 0 {
		return err
	}
	addresses := a.Codes.Addresses(person)
	if len(addresses) == 0 {
		return nil
	}
	by := addresses[0].Channel
	for _, address := range addresses {
		if address.Channel == channel {
			by = channel
		}
	}
	person.Lang = lang // of the mail
	_, err = a.Codes.Send(ctx, person, by, ledger.PurposeVerify)
	var tooSoon *ledger.CodeTooSoonError
	if errors.As(err, &tooSoon) && !tooSoon.Everybody { // that one is worth a line in the log
		return nil
	}
	return err
}

// person finds who a number belongs to; zero for nobody, and for somebody who
// is verified already, whom no other member can become.
func (n *Newcomers) person(ctx context.Context, number string) (ledger.Person, error) {
	person, err := n.apps.Store.PersonByStudentNo(ctx, number)
	switch {
	case errors.Is(err, ledger.ErrNotFound):
		return ledger.Person{}, nil
	case err != nil:
		return ledger.Person{}, err
	case person.Verified():
		return ledger.Person{}, nil
	}
	return person, nil
}

// Asked tells whether the member has given a number lately.
func (n *Newcomers) Asked(ctx context.Context, userID string) (bool, error) {
	number, err := n.apps.Pace.Noted(ctx, newcomerNote(ledger.NormalUserID(userID)))
	return number != "", err
}

// Prove takes a code. With the right one the member is the person whose number
// they gave, and verified; whatever else is the matter, it is not proven.
func (n *Newcomers) Prove(ctx context.Context, userID, code string) (proven bool, err error) {
	a := n.apps
	userID = ledger.NormalUserID(userID)
	number, err := a.Pace.Noted(ctx, newcomerNote(userID))
	if err != nil || number == "" {
		return false, err
	}
	wait, err := a.Pace.Take(ctx, "newcomer-code:"+userID, newcomerTries, time.Hour)
	if err != nil || wait > 0 {
		return false, err
	}
	person, err := n.person(ctx, number)
	if err != nil {
		return false, err
	}
	// Nobody's code is looked for like anybody's, so that it takes as long.
	err = a.Codes.Check(ctx, person.ID, ledger.PurposeVerify, code)
	var wrong *ledger.CodeWrongError
	switch {
	case errors.As(err, &wrong), errors.Is(err, ledger.ErrCodeExpired), errors.Is(err, ledger.ErrCodeBurnt),
		errors.Is(err, ledger.ErrNoCode), errors.Is(err, identity.ErrCodeFormat):
		return false, nil
	case err != nil:
		return false, err
	case person.ID == 0:
		return false, nil
	}
	switch err := a.Store.LinkMember(ctx, person.ID, userID, a.Now()); {
	case errors.Is(err, ledger.ErrConflict):
		a.Log.Warn("member not linked: one of the two is taken", "person", person.ID)
		return false, nil
	case err != nil:
		return false, fmt.Errorf("link the member: %w", err)
	}
	n.forget(ctx, userID)
	return true, nil
}

// forget drops the number that a member gave.
func (n *Newcomers) forget(ctx context.Context, userID string) {
	if err := n.apps.Pace.Note(ctx, newcomerNote(ledger.NormalUserID(userID)), "", time.Second); err != nil {
		n.apps.Log.Warn("number not forgotten yet", "err", err)
	}
}

// askNumber begins: the number decides whose address a code goes to.
func (a *Apps) askNumber(t *turn) error {
	d := cards.NoticeData{
		Title: wAskNumber.title.in(t.Lang), Body: wAskNumber.body.in(t.Lang),
		LinkTitle: wVerifyPage.in(t.Lang), URL: a.link.verify(), Assistant: t.App.Name == AssistantApp,
	}
	if !d.Assistant {
		d.Body = wAskNumberThere.in(t.Lang)
	}
	return t.Update(rows(cards.Notice(t.Lang, d), wRowPhone.in(t.Lang), a.Contact.Phone, wRowOffice.in(t.Lang), a.Contact.Office.in(t.Lang)))
}

// takeNumber offers to send the code.
func (a *Apps) takeNumber(ctx context.Context, t *turn, number string) error {
	a.keepTopic(ctx, t, topic{Intent: "verify", Number: number})
	data := cards.NewcomerData{Number: number, URL: a.link.verify()}
	for _, channel := range a.newcomers.Channels() {
		data.Email = data.Email || channel == ledger.Email
		data.Phone = data.Phone || channel == ledger.Phone
	}
	return t.Reply(cards.NewcomerChannels(t.Lang, data))
}

// sendToNumber answers a press of that card.
func (a *Apps) sendToNumber(ctx context.Context, t *turn) error {
	if t.known() {
		return a.offerCode(ctx, t) // put on record meanwhile
	}
	return a.sendToNumberBy(ctx, t, t.Task.Subject, pressedChannel(t.Message))
}

func (a *Apps) sendToNumberBy(ctx context.Context, t *turn, number string, channel ledger.Channel) error {
	tooSoon, err := a.newcomers.Ask(ctx, t.UserID, number, channel, ledger.Lang(t.Lang))
	said, body := wNumberTaken, wNumberTaken.body.in(t.Lang)
	switch {
	case err != nil:
		return err
	case tooSoon > 0:
		said, body = wNumberTooSoon, wNumberTooSoon.body.in(t.Lang, wait(t.Lang, tooSoon))
	}
	return t.Update(rows(a.verifyNotice(t, said.title.in(t.Lang), body), wRowNumber.in(t.Lang), number))
}

// takeNewcomersCode checks six digits from somebody who gave a number.
func (a *Apps) takeNewcomersCode(ctx context.Context, t *turn, code string) error {
	asked, err := a.newcomers.Asked(ctx, t.UserID)
	switch {
	case err != nil:
		return err
	case !asked || code == "":
		return a.securePage(ctx, t)
	}
	proven, err := a.newcomers.Prove(ctx, t.UserID, code)
	switch {
	case err != nil:
		return err
	case !proven:
		return t.ReplyText(wNumberOrCodeWrong.in(t.Lang))
	}
	return t.Reply(cards.Verified(t.Lang, cards.VerifiedData{BindURL: a.link.bind()}))
}

var (
	numberToken = regexp.MustCompile(`[0-9A-Za-z-]+`)
	numberName  = regexp.MustCompile(`(?i)学号|工号|学工号|學號|student|staff|number|\bno\b|\bid\b`)
)

// numberIn finds a student or staff number in a text: one word of 4 to 20
// letters and digits, most of them digits. Six digits alone may be a secret
// and are a number only when they are called one.
func numberIn(text string) (number string, found bool) {
	text = strings.Map(func(r rune) rune {
		if r >= '０' && r <= '９' {
			return r - '０' + '0'
		}
		return r
	}, text)
	for _, word := range numberToken.FindAllString(text, -1) {
		digits := len(strings.Join(digitRuns.FindAllString(word, -1), ""))
		if digits < 4 || 2*digits < len(word) || len(word) > 20 {
			continue
		}
		if found || len(word) == 6 && !numberName.MatchString(text) {
			return "", false
		}
		number, found = word, true
	}
	return number, found
}
