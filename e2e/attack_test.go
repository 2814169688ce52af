package e2e

import (
	"context"
	"database/sql"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"xiaoka/sandbox/campus"
	"xiaoka/sandbox/wecom"
	"xiaoka/store/storetest"
)

// The attack suite plays what strangers, classmates, thieves and stolen
// machines would try against the running product, T10 to T47 of the project's
// threat list. It looks at the product from outside alone: its addresses, its
// commands, its metrics and log, and its database as an auditor reads it (the
// clock of a code or a lock is moved there). Every attack has its twin: the
// same request made right succeeds, so that a product which refuses everybody
// does not pass.

// attacked runs attacks on both databases.
func attacked(t *testing.T, test func(t *testing.T, h *house)) {
	attackedAlone(t, test)
	t.Run("postgres, two replicas", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t, storetest.PostgresURL(t), attackRedis(t), 2)
		test(t, h)
	})
}

// attackedAlone runs attacks on SQLite, where the database makes no difference
// to them.
func attackedAlone(t *testing.T, test func(t *testing.T, h *house)) {
	if testing.Short() {
		t.Skip("runs the binaries; -short does not build them")
	}
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t, "", "", 1)
		test(t, h)
	})
}

// powerCut kills every replica at once, empties Redis and starts as many anew.
func (h *house) powerCut() {
	h.t.Helper()
	n := len(h.replicas)
	for len(h.replicas) > 0 {
		h.kill(h.replicas[0])
	}
	if address := h.setting("redis_url"); address != "" {
		forget(h.t, address)
	}
	for range n {
		h.start()
	}
}

// attackRedisURLs are the databases of the test server that the suite's houses
// take in turn: it has too few for one each.
var attackRedisURLs struct {
	sync.Mutex
	made int
	free chan string
}

func attackRedis(t *testing.T) string {
	t.Helper()
	const most = 2
	p := &attackRedisURLs
	p.Lock()
	if p.free == nil {
		p.free = make(chan string, most)
	}
	if p.made < most {
		p.free <- redisURL(t)
		p.made++
	}
	p.Unlock()
	address := <-p.free
	t.Cleanup(func() { p.free <- address })
	forget(t, address)
	return address
}

// forget empties one database of Redis.
func forget(t testing.TB, address string) {
	t.Helper()
	o, err := redis.ParseURL(address)
	if err != nil {
		t.Fatal(err)
	}
	o.DisableIdentity = true
	c := redis.NewClient(o)
	defer c.Close()
	if err := c.FlushDB(context.Background()).Err(); err != nil {
		t.Fatal(err)
	}
}

// setting reads a secret of the product's configuration as the operator wrote
// it; empty when there is none.
func (h *house) setting(name string) string {
	h.t.Helper()
	b, err := os.ReadFile(filepath.Join(filepath.Dir(h.config), "secrets", name))
	if errors.Is(err, os.ErrNotExist) {
		return ""
	}
	if err != nil {
		h.t.Fatal(err)
	}
	return string(b)
}

// db opens the product's database.
func (h *house) db() *sql.DB {
	h.t.Helper()
	driver, address := "pgx", h.database
	if file, ok := strings.CutPrefix(h.database, "sqlite:"); ok {
		driver, address = "sqlite", file+"?_pragma=busy_timeout(5000)"
	}
	db, err := sql.Open(driver, address)
	if err != nil {
		h.t.Fatal(err)
	}
	return db
}

// set runs a statement that moves a clock.
func (h *house) set(statement string) {
	h.t.Helper()
	db := h.db()
	defer db.Close()
	res, err := db.Exec(statement)
	if err != nil {
		h.t.Fatalf("%s: %v", statement, err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		h.t.Fatalf("%s: changed nothing, %v", statement, err)
	}
}

// number asks the database for one number.
func (h *house) number(query string) (n int64) {
	h.t.Helper()
	db := h.db()
	defer db.Close()
	if err := db.QueryRow(query).Scan(&n); err != nil {
		h.t.Fatalf("%s: %v", query, err)
	}
	return n
}

// metric adds up one metric over the replicas and its labels.
func (h *house) metric(name string) (sum float64) {
	h.t.Helper()
	for _, r := range h.replicas {
		for line := range strings.Lines(h.metrics(r)) {
			rest, ok := strings.CutPrefix(line, name)
			if !ok || rest[0] != ' ' && rest[0] != '{' {
				continue
			}
			v, err := strconv.ParseFloat(strings.TrimSpace(rest[strings.LastIndex(rest, " "):]), 64)
			if err != nil {
				h.t.Fatalf("metric %q: %v", line, err)
			}
			sum += v
		}
	}
	return sum
}

func (h *house) metrics(r *replica) string {
	h.t.Helper()
	res, err := http.Get("http://" + r.addr + "/metrics")
	if err != nil {
		h.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		h.t.Fatalf("/metrics = %d, %v", res.StatusCode, err)
	}
	return string(b)
}

// said is the log of all replicas so far.
func (h *house) said() string {
	var all strings.Builder
	for _, r := range h.replicas {
		all.WriteString(r.cmd.Stdout.(*lockedWriter).String())
	}
	return all.String()
}

// person makes a member of somebody who is not among the campus's people.
func (h *house) person(p campus.Person) *member {
	h.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		h.t.Fatal(err)
	}
	if err := h.campus.WeCom.SetMember(wecom.Member{UserID: p.UserID, Name: p.Name}); err != nil {
		h.t.Fatal(err)
	}
	return &member{house: h, Person: p, phone: &http.Client{Jar: jar, Timeout: patience, Transport: manyAtOnce}}
}

// nobody is a browser that never logged in.
func (h *house) nobody() *member {
	h.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		h.t.Fatal(err)
	}
	return &member{house: h, phone: &http.Client{Jar: jar, Timeout: patience, Transport: manyAtOnce}}
}

// enrol puts more people on the register; query passwords are their own if
// password is not empty.
func (h *house) enrol(password string, people ...campus.Person) []*member {
	h.t.Helper()
	path := filepath.Join(h.t.TempDir(), "more.csv")
	f, err := os.Create(path)
	if err != nil {
		h.t.Fatal(err)
	}
	w := csv.NewWriter(f)
	rows := [][]string{{"student_no", "name", "card_no", "email", "phone", "type", "wecom_userid", "query_password", "opening_balance"}}
	var members []*member
	for _, p := range people {
		rows = append(rows, []string{p.StudentNo, p.Name, p.CardNo, p.Email, p.Phone, "student", p.UserID, password, "30.00"})
		members = append(members, h.person(p))
	}
	if err := errors.Join(w.WriteAll(rows), f.Close()); err != nil {
		h.t.Fatal(err)
	}
	h.run("people", "import", path)
	return members
}

// student is the n-th of those who can be enrolled.
func student(n int) campus.Person {
	no := fmt.Sprintf("20277%05d", n)
	return campus.Person{StudentNo: no, UserID: no, Name: fmt.Sprintf("李测%c", '一'+rune(n)), CardNo: fmt.Sprintf("9%07d", 40000+n),
		Email: no + "@xiaoka.example", Phone: fmt.Sprintf("1880%07d", 7000+n)}
}

// holder verifies, binds and chooses the own password, all on the pages.
func (m *member) holder() *member {
	m.t.Helper()
	m.phone.Transport = manyAtOnce
	m.prove()
	at, page := m.post("/h5/bind", map[string]string{"name": m.Name, "number": m.CardNo, "query_password": "123456"})
	if at.Path == "/h5/bind" {
		m.t.Fatalf("%s cannot bind:\n%s", m.UserID, page)
	}
	m.post("/h5/password", map[string]string{"old_password": "123456", "new_password": ownPassword})
	return m
}

// prove verifies on the page.
func (m *member) prove() {
	m.t.Helper()
	m.post("/h5/verify", map[string]string{"channel": "email"})
	if at, page := m.post("/h5/verify", map[string]string{"code": m.code()}); at.Path == "/h5/verify" {
		m.t.Fatalf("the code of %s is not taken:\n%s", m.UserID, page)
	}
}

// manyAtOnce keeps the connections of a crowd.
var manyAtOnce = &http.Transport{MaxIdleConns: 512, MaxIdleConnsPerHost: 256, MaxConnsPerHost: 256, IdleConnTimeout: 10 * time.Second}

// later makes the codes older that went to this person or to the same address.
func (m *member) later(d time.Duration) {
	m.t.Helper()
	m.set(fmt.Sprintf("UPDATE codes SET issued_at = issued_at - %d WHERE address_hash IN (SELECT address_hash FROM codes WHERE person_id = %d)",
		d.Microseconds(), m.id()))
}

// id is the person's in the database.
func (m *member) id() int64 {
	m.t.Helper()
	return m.number("SELECT id FROM people WHERE student_no = '" + m.StudentNo + "'")
}

// letters counts what reached this person's mail box and phone.
func (m *member) letters() (n int) {
	for _, mail := range m.campus.Mail.Messages() {
		for _, to := range mail.To {
			if to == m.Email {
				n++
			}
		}
	}
	for _, sms := range m.campus.SMS.Messages() {
		if sms.PhoneNumber == "+86"+m.Phone {
			n++
		}
	}
	return n
}

// atOnce runs f n times, all let go at the same moment.
func atOnce(n int, f func(i int)) {
	var wg sync.WaitGroup
	begin := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-begin
			f(i)
		})
	}
	close(begin)
	wg.Wait()
}
