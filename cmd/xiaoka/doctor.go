package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"xiaoka/config"
	"xiaoka/store"
)

type doctorCmd struct {
	JSON bool `help:"Print the findings as JSON."`
}

// state is how a check ended.
type state string

const (
	stateOK   state = "ok"
	stateWarn state = "warn" // it serves, but somebody will miss something
	stateFail state = "fail"
)

// finding is what one check found, and, unless all is well, what to do about
// it.
type finding struct {
	Check  string `json:"check"`
	State  state  `json:"state"`
	Detail string `json:"detail"`
	Fix    string `json:"fix,omitempty"`
}

// doctor examines one configuration against what it names. It changes nothing
// anywhere.
type doctor struct {
	cfg   *config.Config
	found []finding
	tell  func(finding)
}

func (d *doctor) note(check string, s state, detail, fix string) {
	f := finding{Check: check, State: s, Detail: detail, Fix: fix}
	d.found = append(d.found, f)
	d.tell(f)
}

func (d *doctor) ok(check, detail string) { d.note(check, stateOK, detail, "") }

func (d *doctor) warn(check, detail, fix string) { d.note(check, stateWarn, detail, fix) }

func (d *doctor) fail(check, detail, fix string) { d.note(check, stateFail, detail, fix) }

// patience is how long one check may take.
const patience = 15 * time.Second

// Run makes every check, also after one has failed, and ends with status 1 if
// any did.
func (c doctorCmd) Run(p *program) error {
	d := &doctor{tell: func(finding) {}}
	if !c.JSON {
		d.tell = func(f finding) { printFinding(p.stdout, f) }
	}
	if d.configuration(p) {
		for _, check := range []func(context.Context){d.address, d.database, d.redis, d.wecom, d.wechatpay, d.mail, d.sms} {
			ctx, cancel := context.WithTimeout(p.ctx, patience)
			check(ctx)
			cancel()
		}
	}
	return c.conclude(p, d.found)
}

func (c doctorCmd) conclude(p *program, found []finding) error {
	count := map[state]int{}
	for _, f := range found {
		count[f.State]++
	}
	healthy := count[stateFail] == 0
	if c.JSON {
		if err := json.NewEncoder(p.stdout).Encode(map[string]any{"ok": healthy, "findings": found}); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(p.stdout, "\n%d fine, %d to think about, %d to fix\n", count[stateOK], count[stateWarn], count[stateFail])
	}
	if !healthy {
		return errQuiet
	}
	return nil
}

var marks = map[state]string{stateOK: "ok  ", stateWarn: "note", stateFail: "FAIL"}

func printFinding(w io.Writer, f finding) {
	fmt.Fprintf(w, "%s  %-22s %s\n", marks[f.State], f.Check, f.Detail)
	if f.Fix != "" {
		fmt.Fprintf(w, "      %-22s → %s\n", "", f.Fix)
	}
}

// configuration reads it as serve would. Without it nothing else can be
// checked.
func (d *doctor) configuration(p *program) bool {
	cfg, err := config.Load(p.config, p.env, config.Serve)
	var faults config.Faults
	switch {
	case errors.As(err, &faults):
		for _, f := range faults {
			d.fail("configuration", f.String(), "correct it in the file or the environment; `xiaoka example` shows every key")
		}
		return false
	case err != nil:
		d.fail("configuration", err.Error(), "")
		return false
	}
	d.cfg = cfg
	d.ok("configuration", "complete and well formed")
	return true
}

func (d *doctor) database(ctx context.Context) {
	s, err := store.Open(ctx, d.cfg.DatabaseURL.Reveal(), store.Options{Zone: d.cfg.Timezone})
	if err != nil {
		d.fail("database", err.Error(), "check database_url: the server must run, and the user and database must exist")
		return
	}
	defer s.Close()
	if err := s.Ping(ctx); err != nil {
		d.fail("database", err.Error(), "check that the database server runs and is reachable from here")
		return
	}
	current, err := s.Current(ctx)
	switch {
	case err != nil:
		d.fail("database", err.Error(), "the user needs the right to create tables in its schema")
	case !current && d.cfg.AutoMigrate:
		d.ok("database", "answers; serve will bring its schema up to date")
	case !current:
		d.fail("database", "answers, but its schema is not this version's", "run `xiaoka migrate`")
	default:
		d.ok("database", "answers, schema up to date")
	}
	if s.Embedded() {
		d.warn("database", "SQLite serves one process on one machine", "for several replicas, or backups to a point in time, use PostgreSQL")
	}
}

func (d *doctor) redis(ctx context.Context) {
	if d.cfg.RedisURL.Reveal() == "" {
		d.warn("redis", "none configured: an embedded one serves this process alone", "set redis_url before a second replica starts")
		return
	}
	short, err := openRedis(d.cfg.RedisURL.Reveal())
	if err != nil {
		d.fail("redis", err.Error(), "check redis_url")
		return
	}
	defer short.close()
	if err := short.Ping(ctx).Err(); err != nil {
		d.fail("redis", "does not answer: "+err.Error(), "check that the server runs, is reachable and takes this password")
		return
	}
	d.ok("redis", "answers")
	policy, err := short.ConfigGet(ctx, "maxmemory-policy").Result()
	if p := policy["maxmemory-policy"]; err == nil && p != "" && p != "noeviction" {
		d.warn("redis", "it may throw keys away when full ("+p+")", "set maxmemory-policy noeviction: tokens, turns and limits live there")
	}
}

// quietLog is for parts that insist on a log.
var quietLog = slog.New(slog.DiscardHandler)
