package bot

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
)

// pacer is one replica's Limits, and the clock that it shares with Redis.
type pacer struct {
	t      *testing.T
	server *miniredis.Miniredis
	at     time.Time
	all    []*Limits
}

func newPacer(t *testing.T, replicas int, accounts func(context.Context) (int, error)) *pacer {
	t.Helper()
	server, client := newTestRedis(t)
	p := &pacer{t: t, server: server, at: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}
	server.SetTime(p.at)
	for range replicas {
		p.all = append(p.all, NewLimits(LimitsConfig{Redis: client, Accounts: accounts, Now: func() time.Time { return p.at }}))
	}
	return p
}

func (p *pacer) pass(d time.Duration) {
	p.at = p.at.Add(d)
	p.server.SetTime(p.at)
	p.server.FastForward(d)
}

// take asks the replicas in turn n times and returns how many got a place, and the wait of the last that did not.
func (p *pacer) take(n int, userID string, rank Rank) (taken int, wait time.Duration) {
	p.t.Helper()
	for i := range n {
		err := p.all[i%len(p.all)].take(p.t.Context(), 1000002, userID, rank)
		var limit *LimitError
		switch {
		case err == nil:
			taken++
		case errors.As(err, &limit):
			wait = limit.After
		default:
			p.t.Fatal(err)
		}
	}
	return taken, wait
}

func (p *pacer) want(n int, userID string, rank Rank, taken int) time.Duration {
	p.t.Helper()
	got, wait := p.take(n, userID, rank)
	if got != taken {
		p.t.Errorf("rank %d: %d of %d got a place, want %d", rank, got, n, taken)
	}
	return wait
}

// TestLimits_Ranks: two replicas together stay within 30 a minute; pushes leave room for answers, both for what is urgent.
func TestLimits_Ranks(t *testing.T) {
	t.Parallel()
	p := newPacer(t, 2, nil)
	p.want(40, "Zhang", RankPush, 18)
	p.want(40, "zhang", RankAnswer, 8)
	p.pass(time.Second)
	if wait := p.want(40, "ZHANG", RankUrgent, 4); wait != limitMinute-time.Second {
		t.Errorf("what is urgent waits %s", wait)
	}
	p.want(1, "li", RankPush, 1)
	p.pass(limitMinute - 2*time.Second)
	p.want(40, "zhang", RankUrgent, 0)
	p.pass(time.Second)
	p.want(40, "zhang", RankUrgent, 26)
}

// TestLimits_Hour: a member who takes every minute's places has used the hour's up before its end.
func TestLimits_Hour(t *testing.T) {
	t.Parallel()
	p := newPacer(t, 1, nil)
	total := 0
	for range 59 {
		n, _ := p.take(30, "zhang", RankUrgent)
		total += n
		p.pass(limitMinute)
		if total == memberHour {
			break
		}
	}
	if total != memberHour {
		t.Fatalf("%d messages in an hour", total)
	}
	p.want(1, "zhang", RankUrgent, 0)
	p.pass(limitHour)
	p.want(1, "zhang", RankPush, 1)
}

// TestLimits_Line: pushes that wait come back one after another, not all at once.
func TestLimits_Line(t *testing.T) {
	t.Parallel()
	p := newPacer(t, 2, nil)
	p.want(18, "zhang", RankPush, 18)
	last := time.Duration(0)
	for i := range 40 {
		_, wait := p.take(1, "zhang", RankPush)
		if want := limitMinute + time.Duration(i)*(limitMinute/18).Truncate(time.Millisecond); wait != want || wait <= last {
			t.Errorf("push %d waits %s, want %s", i, wait, want)
		}
		last = wait
	}
}

// TestLimits_RedisGone: answers go another way, pushes keep a pace of their own; a Redis that has forgotten does not double what was sent.
func TestLimits_RedisGone(t *testing.T) {
	t.Parallel()
	p := newPacer(t, 1, nil)
	p.want(2, "zhang", RankAnswer, 2)
	p.server.SetError("LOADING")
	p.want(5, "zhang", RankAnswer, 0)
	p.want(5, "zhang", RankPush, 1)
	p.want(5, "zhang", RankUrgent, 3)
	p.want(5, "li", RankPush, 3)
	p.server.SetError("")
	p.server.FlushAll()
	time.Sleep(redisPause)
	p.want(40, "zhang", RankUrgent, 24)
}

// TestLimits_Refused: WeCom's own word is kept for its minute.
func TestLimits_Refused(t *testing.T) {
	t.Parallel()
	p := newPacer(t, 2, nil)
	p.all[0].refused(t.Context(), 1000002, "Zhang")
	if wait := p.want(2, "zhang", RankUrgent, 0); wait != limitBlock {
		t.Errorf("waits %s", wait)
	}
	p.want(1, "li", RankPush, 1)
	p.pass(limitBlock)
	p.want(1, "zhang", RankPush, 1)
}

// TestLimits_Day: the app's places of a day go to answers and urgent messages last.
func TestLimits_Day(t *testing.T) {
	t.Parallel()
	p := newPacer(t, 1, func(context.Context) (int, error) { return 300, nil })
	if err := p.server.Set(limitKeys(1000002, "", p.at)[3], "48000"); err != nil { // 80 % of 300 × 200
		t.Fatal(err)
	}
	if wait := p.want(1, "zhang", RankPush, 0); wait != time.Hour {
		t.Errorf("waits %s", wait)
	}
	p.want(1, "zhang", RankAnswer, 1)
	p.pass(12 * time.Hour)
	p.want(1, "zhang", RankPush, 1)
}

// BenchmarkLimits takes places for a crowd.
func BenchmarkLimits(b *testing.B) {
	_, client := newTestRedis(b)
	l := NewLimits(LimitsConfig{Redis: client})
	for i := 0; b.Loop(); i++ {
		if err := l.take(b.Context(), 1000002, strconv.Itoa(i), RankPush); err != nil {
			b.Fatal(err)
		}
	}
}
