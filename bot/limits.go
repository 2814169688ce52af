package bot

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// WeCom delivers at most 30 messages a minute and 1,000 an hour from an app to a member and drops the others without a word, and takes 200
// recipients a day and account from an app. Sending is not counted in the limits of a corporation's calls.
// https://developer.work.weixin.qq.com/document/path/90312
const (
	memberMinute = 30
	memberHour   = 1000
	accountDay   = 200
	// leastAccounts spares a small corporation, whose members' own limits hold long before, a limit of its own making.
	leastAccounts = 100
	// Our windows are longer than WeCom's by the longest that a message can be on its way there.
	limitMinute = time.Minute + callTimeout
	limitHour   = time.Hour + callTimeout
	limitDay    = 24 * time.Hour
	// limitBlock is how long WeCom refuses a sender that ran into a limit of a minute.
	limitBlock = time.Minute
	// aloneRetry is when a push looks for Redis again.
	aloneRetry = 5 * time.Second
)

// Rank is a message's claim on the places that WeCom's limits leave. Its zero value is RankAnswer.
type Rank int

// The ranks. Pushes leave places free for answers, and both leave some for what is urgent.
const (
	RankAnswer Rank = iota // an answer in the chat; without a place it goes back as the text of the callback's own answer
	RankPush               // news; without a place it waits
	RankUrgent             // a security notice, or the answer to a press, which has no text of its own
)

// share is how far a rank may fill a member's places, and what one process sends by itself in a minute while Redis is away: little, because
// it does not know what the other replicas send, and no answer, because that has another way.
type share struct{ minute, hour, dayPercent, alone int }

var shares = [...]share{
	RankAnswer: {26, 950, 95, 0},
	RankPush:   {18, 700, 80, 3},
	RankUrgent: {memberMinute, memberHour, 100, 6},
}

// LimitError says that WeCom's limits leave no place for a message now. It was not sent.
type LimitError struct {
	After time.Duration // when there is a place, as far as is known
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("bot: message/send: no place before %s", e.After)
}

// LimitsConfig is what NewLimits needs.
type LimitsConfig struct {
	Redis redis.UniversalClient // shares the counts among replicas; nil = as if Redis were always away
	// Accounts tells how many members the corporation has, for the limit of a day; asked once an hour. nil = that limit is not counted.
	Accounts func(context.Context) (int, error)
	Log      *slog.Logger     // nil = none
	Now      func() time.Time // nil = time.Now
}

// Limits counts the messages of all replicas to every member before they are sent, so that none is one too many. It serves any number of
// Clients and is safe for concurrent use.
//
// Redis's clock and sets decide. What this process has sent itself it also remembers itself: that holds while Redis is away, and counts
// against a Redis that has forgotten. Then answers get no place and go another way, and pushes a few.
type Limits struct {
	guard    *guard
	accounts func(context.Context) (int, error)
	now      func() time.Time

	mu    sync.Mutex
	own   map[string][]time.Time // by app and member: what this process sent within limitMinute
	swept time.Time

	counting  sync.Mutex
	members   int
	countedAt time.Time
}

// NewLimits returns limits that nothing has been counted against.
func NewLimits(cfg LimitsConfig) *Limits {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Limits{guard: &guard{rdb: cfg.Redis, log: cfg.Log}, accounts: cfg.Accounts, now: cfg.Now, own: map[string][]time.Time{}}
}

// takePlace counts a message if it is within the places of its rank, else returns the milliseconds until there is one. A push that must wait
// gets a time of its own behind those that wait already, so that they do not all come back at once. -1: the app has had its day.
var takePlace = redis.NewScript(`
local sends, blocked, line, day = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local perMinute, perHour, minute, hour, perDay, step = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local refused = redis.call('PTTL', blocked)
if refused > 0 then return refused end
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('ZREMRANGEBYSCORE', sends, '-inf', now - hour)
local free = 0
for _, window in ipairs({{perMinute, minute}, {perHour, hour}}) do
	local oldest = redis.call('ZREVRANGE', sends, window[1] - 1, window[1] - 1, 'WITHSCORES')
	if oldest[2] then free = math.max(free, oldest[2] + window[2]) end
end
if free > now then
	if step == 0 then return free - now end
	local at = math.max(free, tonumber(redis.call('GET', line) or 0))
	redis.call('SET', line, at + step, 'PX', at + step - now)
	return at - now
end
if perDay > 0 and tonumber(redis.call('GET', day) or 0) >= perDay then return -1 end
redis.call('ZADD', sends, now, ARGV[7])
redis.call('PEXPIRE', sends, hour)
if redis.call('INCR', day) == 1 then redis.call('PEXPIRE', day, ARGV[8]) end
return 0`)

// take counts one message, or returns *LimitError.
func (l *Limits) take(ctx context.Context, agentID int64, userID string, rank Rank) error {
	share, member := shares[rank], strconv.FormatInt(agentID, 10)+":"+strings.ToLower(userID)
	now := l.now()
	if wait := l.remember(member, now, share.minute); wait > 0 {
		return &LimitError{wait}
	}
	step := time.Duration(0)
	if rank == RankPush {
		step = limitMinute / time.Duration(share.minute)
	}
	day := l.day(ctx) * share.dayPercent / 100
	ms, err := ask(ctx, l.guard, func(ctx context.Context) (int64, error) {
		return takePlace.Run(ctx, l.guard.rdb, limitKeys(agentID, userID, now), share.minute, share.hour, limitMinute.Milliseconds(),
			limitHour.Milliseconds(), day, step.Milliseconds(), rand.Text(), limitDay.Milliseconds()).Int64()
	})
	switch {
	case err == nil && ms == 0:
		return nil
	case err == nil && ms > 0:
		l.forget(member, now)
		return &LimitError{time.Duration(ms) * time.Millisecond}
	case err == nil: // tomorrow by China's clock; the account limit may rise before
		l.forget(member, now)
		return &LimitError{time.Hour}
	case ctx.Err() != nil:
		l.forget(member, now)
		return ctx.Err()
	}
	return l.alone(member, now, share.alone)
}

// limitKeys share a slot of a Redis cluster.
func limitKeys(agentID int64, userID string, now time.Time) []string {
	prefix, userID := fmt.Sprintf("xiaoka:wecom:{%d}:", agentID), strings.ToLower(userID)
	return []string{prefix + "sent:" + userID, prefix + "blocked:" + userID, prefix + "line:" + userID, prefix + "day:" + now.In(china).Format("20060102")}
}

// china is where WeCom's day begins.
var china = time.FixedZone("Asia/Shanghai", 8*60*60)

// refused keeps everybody from sending to a member for a while, because WeCom said so.
func (l *Limits) refused(ctx context.Context, agentID int64, userID string) {
	_, _ = ask(context.WithoutCancel(ctx), l.guard, func(ctx context.Context) (string, error) {
		return l.guard.rdb.Set(ctx, limitKeys(agentID, userID, l.now())[1], 1, limitBlock).Result()
	})
}

// remember counts a message among this process's own, or returns how long these alone keep it from being sent.
func (l *Limits) remember(member string, now time.Time, places int) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Sub(l.swept) > limitMinute {
		for m, sent := range l.own {
			if !sent[len(sent)-1].After(now.Add(-limitMinute)) {
				delete(l.own, m)
			}
		}
		l.swept = now
	}
	sent := l.own[member]
	for len(sent) > 0 && !sent[0].After(now.Add(-limitMinute)) {
		sent = sent[1:]
	}
	if len(sent) >= places {
		return sent[len(sent)-places].Add(limitMinute).Sub(now)
	}
	l.own[member] = append(sent, now)
	return 0
}

// forget undoes remember for a message that got no place.
func (l *Limits) forget(member string, at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	sent := l.own[member]
	for i := len(sent) - 1; i >= 0; i-- {
		if sent[i].Equal(at) {
			sent = append(sent[:i:i], sent[i+1:]...)
			break
		}
	}
	if len(sent) == 0 {
		delete(l.own, member)
		return
	}
	l.own[member] = sent
}

// alone lets a remembered message go without Redis if this process has sent the member few.
func (l *Limits) alone(member string, now time.Time, places int) error {
	l.mu.Lock()
	n := len(l.own[member])
	l.mu.Unlock()
	if n <= places {
		return nil
	}
	l.forget(member, now)
	return &LimitError{aloneRetry}
}

// day is how many messages an app may send today; 0 = not known.
func (l *Limits) day(ctx context.Context) int {
	if l.accounts == nil {
		return 0
	}
	l.counting.Lock()
	defer l.counting.Unlock()
	if now := l.now(); now.Sub(l.countedAt) > time.Hour {
		l.countedAt = now
		if n, err := l.accounts(ctx); err == nil {
			l.members = n
		}
	}
	return max(l.members, leastAccounts) * accountDay
}
