package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"xiaoka/h5"
	"xiaoka/sandbox/campus"
	"xiaoka/sandbox/terminal"
)

// visitor is one of the roles of the pages.
type visitor struct {
	name string
	role h5.Role // what they are
	*member
	form url.Values // with the session's token, nil for nobody
}

// visitors are one of each.
func (h *house) visitors(t *testing.T) []visitor {
	t.Helper()
	member, verified, holder, bound := h.newMember(1), h.newMember(2), h.newMember(3), h.newMember(4)
	verified.prove()
	holder.prove()
	if at, _ := holder.post("/h5/bind", map[string]string{"name": holder.Name, "number": holder.CardNo, "query_password": "123456"}); at.Path != "/h5/password" {
		t.Fatalf("binding led to %s", at.Path)
	}
	bound.holder()
	stranger := h.person(campus.Person{UserID: "newcomer", Name: "新"})
	all := []visitor{
		{"Nobody", h5.Open, h.nobody(), nil}, {"NotOnRecord", h5.Member, stranger, nil}, {"Member", h5.Member, member, nil},
		{"Verified", h5.Verified, verified, nil}, {"Holder", h5.Holder, holder, nil}, {"Bound", h5.Bound, bound, nil},
	}
	for i := range all[1:] {
		all[i+1].form = all[i+1].member.form()
	}
	return all
}

var placeholder = regexp.MustCompile(`\{[^}]*\}`)

// ask makes the request of a route with ids in place of its placeholders.
func (v visitor) ask(r h5.Route, id string) answer {
	path := placeholder.ReplaceAllStringFunc(r.Pattern, func(p string) string {
		if p == "{$}" {
			return ""
		}
		return id
	})
	method, form := r.Method, v.form
	if method == "" {
		method = "GET"
	}
	if method == "GET" {
		form = nil
	} else if form == nil {
		form = url.Values{"csrf_token": {"none"}}
	}
	if strings.HasSuffix(path, "/pay") {
		path += "?channel=jsapi"
	}
	return v.send(method, path, form)
}

// code is the stable code of a problem.
func (a answer) code() string {
	var p struct{ Code string }
	if json.Unmarshal([]byte(a.body), &p) != nil {
		return ""
	}
	return p.Code
}

func TestAttack_T37_DataOfAnother(t *testing.T) {
	attacked(t, func(t *testing.T, h *house) {
		owner := visitor{"Owner", h5.Bound, h.newMember(0).holder(), nil}
		owner.form = owner.member.form()
		no := owner.orderNo(5731)
		owner.pay(no)
		unpaid := owner.orderNo(4217)
		visitors := h.visitors(t)

		step := []struct {
			below h5.Role
			to    string
			code  string
		}{{h5.Verified, "/h5/verify", "not_verified"}, {h5.Holder, "/h5/bind", "not_bound"}, {h5.Bound, "/h5/password", "password_change_required"}}
		cells := 0
		for _, r := range h5.Routes() {
			if r.Role == h5.Open {
				continue
			}
			for _, v := range visitors {
				cells++
				t.Run(fmt.Sprintf("Matrix/%s %s/%s", r.Method, r.Pattern, v.name), func(t *testing.T) {
					a := v.ask(r, unpaid)
					switch {
					case v.role == h5.Open && r.Method == "GET" && r.Kind == h5.Page:
						if !loginPage(a) {
							t.Errorf("%d %s", a.status, a.to)
						}
						return
					case v.role == h5.Open:
						if a.status != http.StatusUnauthorized {
							t.Errorf("%d %s", a.status, a.to)
						}
						return
					}
					for _, s := range step {
						if v.role >= s.below || r.Role < s.below {
							continue
						}
						if r.Kind == h5.Page && (a.status != http.StatusSeeOther || a.to != s.to) || r.Kind != h5.Page && (a.status != http.StatusForbidden || a.code() != s.code) {
							t.Errorf("%d %s %s, want the way to %s", a.status, a.to, a.body, s.to)
						}
						return
					}
					if a.status == http.StatusUnauthorized || a.status == http.StatusForbidden || a.status >= 500 || loginPage(a) {
						t.Errorf("who may is refused: %d %s\n%s", a.status, a.to, a.body)
					}
				})
			}
		}
		if cells < 100 {
			t.Errorf("only %d cells", cells)
		}

		transfer := h.transferOf(owner.member)
		ids := 0
		for _, r := range h5.Routes() {
			if !strings.Contains(strings.ReplaceAll(r.Pattern, "{$}", ""), "{") || r.Role == h5.Open {
				continue
			}
			ids++
			for _, id := range []string{no, unpaid, transfer} {
				for _, v := range visitors {
					if v.role < h5.Bound && v.role != h5.Open {
						continue // the matrix has them
					}
					t.Run(fmt.Sprintf("%s %s/%s", r.Method, r.Pattern, v.name), func(t *testing.T) {
						a, none := v.ask(r, id), v.ask(r, strings.Repeat("0", len(id)))
						blank := func(a answer, id string) string {
							all := fmt.Sprint(a.status, a.header.Get("Content-Type"), a.to, masked(strings.ReplaceAll(a.body, id, "ID")))
							return regexp.MustCompile(`"request_id":"[^"]*"|state=[0-9a-f]+`).ReplaceAllString(all, "")
						}
						if got, want := blank(a, id), blank(none, strings.Repeat("0", len(id))); got != want {
							t.Errorf("%s is told from one that does not exist:\n%.2000q\n%.2000q", id, got, want)
						}
						if v.role == h5.Bound && a.status != http.StatusNotFound {
							t.Errorf("%d, want 404", a.status)
						}
					})
				}
			}
		}
		if ids < 4 {
			t.Errorf("only %d routes with an id", ids)
		}
		t.Run("AsATerminal", func(t *testing.T) {
			for _, path := range []string{"/h5/topup/orders/" + no, "/h5/topup/orders/" + no + "/status", "/h5/transfers"} {
				signed, err := h.terminal("K01").NewRequest(owner.context(), "GET", path, nil)
				if err != nil {
					t.Fatal(err)
				}
				a := h.nobody().send("GET", path, nil, func(r *http.Request) { r.Header = signed.Header })
				if !loginPage(a) && a.status != http.StatusUnauthorized {
					t.Errorf("%s: %d", path, a.status)
				}
			}
		})
		t.Run("NothingWasBegun", func(t *testing.T) {
			if n := h.number("SELECT count(*) FROM attempts WHERE order_no = '" + unpaid + "' AND state <> 'created'"); n != 0 {
				t.Errorf("%d payments of the order were begun", n)
			}
		})
		t.Run("Claim", func(t *testing.T) {
			before := owner.cardState()
			claim, err := h.terminal("K01").Claim(owner.context(), "one-key", owner.CardNo, ownPassword, before)
			if err != nil {
				t.Fatal(err)
			}
			after := before
			after.LoadSeq, after.BalanceFen = claim.Expected.LoadSeq, claim.Expected.BalanceFen
			for _, id := range []string{claim.ClaimID, strings.Repeat("0", len(claim.ClaimID))} {
				k, p := h.terminal("K02"), h.terminal("P01")
				_, err1 := k.Confirm(owner.context(), id, after)
				_, err2 := k.Cancel(owner.context(), id, before, "")
				_, err3 := p.POSConfirm(owner.context(), id, after)
				_, err4 := p.POSCancel(owner.context(), id, before, "")
				for i, err := range []error{err1, err2, err3, err4} {
					if terminal.Code(err) != "claim_not_found" {
						t.Errorf("call %d about %s: %v", i, id, err)
					}
				}
			}
			if _, err := h.terminal("K02").Claim(owner.context(), "one-key", owner.CardNo, ownPassword, before); terminal.Code(err) != "claim_in_progress" {
				t.Errorf("the key of another terminal: %v", err)
			}
			if _, err := h.terminal("K02").Claim(owner.context(), "other-key", owner.CardNo, "582046", before); terminal.Code(err) != "pin_wrong" {
				t.Errorf("the password of another: %v", err)
			}
			if state, err := h.terminal("K01").Cancel(owner.context(), claim.ClaimID, before, ""); err != nil || state != "released" {
				t.Errorf("the twin: %s, %v", state, err)
			}
		})
		t.Run("Twin", func(t *testing.T) {
			for _, r := range h5.Routes() {
				if r.Method != "GET" || r.Role == h5.Open || !strings.Contains(r.Pattern, "{no}") {
					continue
				}
				if a := owner.ask(r, unpaid); a.status != http.StatusOK {
					t.Errorf("%s: %d %s", r.Pattern, a.status, a.body)
				}
			}
			if state := owner.status(no); state != "paid" {
				t.Errorf("the owner's order is %s", state)
			}
		})
	})
}

// transferOf is the id of the transfer that waits for the person.
func (h *house) transferOf(m *member) string {
	h.t.Helper()
	a, err := h.terminal("K01").Lookup(m.context(), m.CardNo, ownPassword)
	if err != nil || len(a.Transfers) == 0 {
		h.t.Fatalf("nothing waits: %+v, %v", a, err)
	}
	return a.Transfers[0].ID
}
