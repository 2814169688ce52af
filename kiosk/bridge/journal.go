package bridge

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"xiaoka/ledger"
)

// Phase is how far a write has come, as the journal knows.
type Phase string

// A write is begun before the reader is told to write. It is then written, as
// the chip showed; unwritten, as the chip showed; or left begun, when nobody
// saw. It ends settled, when the server has acknowledged what was told, or
// held, when the server refuses it and a person must look.
const (
	Begun     Phase = "begun"
	Written   Phase = "written"
	Unwritten Phase = "unwritten"
	Settled   Phase = "settled"
	Held      Phase = "held"
)

// Entry is one write, in its newest phase.
type Entry struct {
	At      time.Time    `json:"at"`
	Phase   Phase        `json:"phase"`
	ClaimID string       `json:"claim_id"`
	CardNo  string       `json:"card_no"`
	Amount  ledger.Fen   `json:"amount_fen"`
	Before  ledger.Chip  `json:"before"`
	Chip    *ledger.Chip `json:"chip,omitempty"`    // what it showed afterwards
	Outcome string       `json:"outcome,omitempty"` // of settled: the claim's state; of held: the server's code
}

// Journal is the machine's own durable memory of its writes: a file of one
// JSON object a line, only ever appended to, each line forced to the disk
// before anything follows it. It holds no PIN. It stays as evidence; while
// nothing in it is open the file may be put away.
type Journal struct {
	mu   sync.Mutex
	file *os.File
	size int64   // of what is whole
	open []Entry // not settled or held, oldest first
	now  func() time.Time
}

// errInUse: two bridges on one journal would settle each other's writes.
var errInUse = errors.New("another bridge of this machine is using it; end that one first")

// OpenJournal opens a journal or begins a new one, for one process alone where
// the system can see to that. A last line that cannot be
// read is where the power went: nothing was done on the strength of it, and it
// is cut off. Anywhere else that is an error, for a write may be lost in it.
func OpenJournal(path string) (*Journal, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the journal: %w", err)
	}
	if err := lock(f); err != nil {
		f.Close()
		return nil, fmt.Errorf("open the journal %s: %w", path, err)
	}
	j := &Journal{file: f, now: time.Now}
	if err := j.load(); err != nil {
		f.Close()
		return nil, fmt.Errorf("read the journal %s: %w", path, err)
	}
	if err := syncDir(filepath.Dir(path)); err != nil {
		f.Close()
		return nil, fmt.Errorf("open the journal: %w", err)
	}
	return j, nil
}

func (j *Journal) load() error {
	all, err := io.ReadAll(j.file)
	if err != nil {
		return err
	}
	for line := 1; len(all) > 0; line++ {
		text, rest, whole := bytes.Cut(all, []byte("\n"))
		var e Entry
		switch err := json.Unmarshal(text, &e); {
		case whole && err == nil && e.ClaimID != "":
		case len(rest) == 0:
			return j.cut()
		default:
			return fmt.Errorf("line %d cannot be read", line)
		}
		j.note(e)
		j.size += int64(len(text)) + 1
		all = rest
	}
	return nil
}

// cut takes away what follows the last whole line.
func (j *Journal) cut() error {
	if err := j.file.Truncate(j.size); err != nil {
		return err
	}
	return j.file.Sync()
}

// note keeps the newest phase of what is open.
func (j *Journal) note(e Entry) {
	i := slices.IndexFunc(j.open, func(o Entry) bool { return o.ClaimID == e.ClaimID })
	over := e.Phase == Settled || e.Phase == Held
	switch {
	case i < 0 && !over:
		j.open = append(j.open, e)
	case i >= 0 && over:
		j.open = slices.Delete(j.open, i, i+1)
	case i >= 0:
		j.open[i] = e
	}
}

// Append makes an entry durable, and returns only then.
func (j *Journal) Append(e Entry) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	e.At = j.now().UTC()
	line, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	line = append(line, '\n')
	_, err = j.file.Write(line)
	if err == nil {
		err = j.file.Sync()
	}
	if err != nil {
		return fmt.Errorf("journal: %w", errors.Join(err, j.cut()))
	}
	j.size += int64(len(line))
	j.note(e)
	return nil
}

// Open lists the writes the server has not acknowledged, oldest first.
func (j *Journal) Open() []Entry {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.open)
}

// Close closes the file.
func (j *Journal) Close() error { return j.file.Close() }

// syncDir makes a new file's name durable, where the system can.
func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, os.ErrInvalid) && !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, os.ErrPermission) {
		return err
	}
	return nil
}
