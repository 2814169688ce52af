package h5

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"time"

	"xiaoka/identity"
	"xiaoka/ledger"
)

// Charts makes addresses of statement pictures for template cards. WeCom
// fetches them from outside, without a session: an address cannot be guessed
// or changed, shows to nobody whose it is, and ends.
type Charts struct {
	publicURL string
	seal      cipher.AEAD
	nonces    [32]byte // the key of the nonces
}

// chartLife is how long a card in the chat keeps its picture.
const chartLife = 30 * 24 * time.Hour

// NewCharts takes the public address, no trailing slash, and a key of its own.
func NewCharts(publicURL string, key [32]byte) (*Charts, error) {
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, fmt.Errorf("h5: the key of the pictures: %w", err)
	}
	seal, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("h5: the key of the pictures: %w", err)
	}
	return &Charts{publicURL, seal, identity.DeriveKey(key[:], "nonces of statement pictures")}, nil
}

// URL is the address of a picture, 2:1, of what the person spent on each day
// of a month. It lasts 30 days from at and shows bars and dates, no name and no
// amount. The same month at the same second has one address, so that a message
// sent again is the same message: the nonce comes from what is sealed.
func (c *Charts) URL(personID int64, month ledger.Month, at time.Time) string {
	var what []byte
	for _, n := range []int64{personID, int64(month), at.Add(chartLife).Unix()} {
		what = binary.BigEndian.AppendUint64(what, uint64(n))
	}
	mac := hmac.New(sha256.New, c.nonces[:])
	mac.Write(what)
	nonce := mac.Sum(nil)[:c.seal.NonceSize()]
	return c.publicURL + "/h5/statement.png?of=" + base64.RawURLEncoding.EncodeToString(c.seal.Seal(nonce, nonce, what, nil))
}

// open reads what URL sealed; ErrNotFound for anything else, and once it has
// ended.
func (c *Charts) open(sealed string, now time.Time) (personID int64, month ledger.Month, err error) {
	b, err := base64.RawURLEncoding.DecodeString(sealed)
	if err != nil {
		return 0, 0, ledger.ErrNotFound
	}
	nonce := c.seal.NonceSize()
	if len(b) < nonce {
		return 0, 0, ledger.ErrNotFound
	}
	what, err := c.seal.Open(nil, b[:nonce], b[nonce:], nil)
	if err != nil || len(what) != 24 {
		return 0, 0, ledger.ErrNotFound
	}
	n := func(i int) int64 { return int64(binary.BigEndian.Uint64(what[8*i:])) }
	if now.Unix() >= n(2) {
		return 0, 0, ledger.ErrNotFound
	}
	return n(0), ledger.Month(n(1)), nil
}

// statementPNG answers whoever holds the address, as long as the card is
// bound.
func (v *visit) statementPNG() error {
	if v.Charts == nil {
		return ledger.ErrNotFound
	}
	personID, month, err := v.Charts.open(v.r.URL.Query().Get("of"), v.now)
	if err != nil {
		return err
	}
	person, err := v.Store.PersonByID(v.ctx(), personID)
	if err != nil {
		return err
	}
	if !person.Bound() {
		return ledger.ErrNotFound
	}
	s, err := v.Store.Statement(v.ctx(), personID, month, v.now)
	if err != nil {
		return err
	}
	h := v.w.Header()
	h.Set("Content-Type", "image/png")
	h.Set("Cache-Control", "private, max-age=3600")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin") // WeCom's clients show it on a page of theirs
	v.w.WriteHeader(http.StatusOK)
	return png.Encode(v.w, drawDays(s))
}

// The picture's measure, and its colours by index.
const (
	chartWidth, chartHeight   = 960, 480
	chartLeft, chartRight     = 36, 924
	chartTop, chartFloor      = 48, 400
	paper, ruler, ink, barInk = 0, 1, 2, 3
)

var chartColours = color.Palette{color.White, color.Gray{0xe8}, color.Gray{0x88}, color.RGBA{0x07, 0xc1, 0x60, 0xff}}

// drawDays draws a bar for each day of the statement, the highest as high as
// there is room, and the date under each week's first.
func drawDays(s ledger.Statement) image.Image {
	picture := image.NewPaletted(image.Rect(0, 0, chartWidth, chartHeight), chartColours)
	for _, y := range []int{chartTop, (chartTop + chartFloor) / 2} {
		fill(picture, chartLeft, y, chartRight, y+2, ruler)
	}
	spent := daily(s)
	most := ledger.Fen(1)
	for _, d := range spent {
		most = max(most, d.Spent)
	}
	for i, d := range spent {
		x0, x1 := chartLeft+(chartRight-chartLeft)*i/len(spent), chartLeft+(chartRight-chartLeft)*(i+1)/len(spent)
		if d.Spent > 0 {
			high := max(4, int(d.Spent*(chartFloor-chartTop)/most))
			fill(picture, x0+4, chartFloor-high, x1-4, chartFloor, barInk)
		}
		if i%7 == 0 {
			writeNumber(picture, (x0+x1)/2, chartFloor+22, i+1)
		}
	}
	fill(picture, chartLeft, chartFloor, chartRight, chartFloor+3, ink)
	return picture
}

// daily gives every day of the statement, those without purchases too.
func daily(s ledger.Statement) []ledger.DaySpent {
	var all []ledger.DaySpent
	rest := s.Days
	for day := s.From; day.Before(s.To); day = day.AddDate(0, 0, 1) {
		if len(rest) > 0 && rest[0].Day.Equal(day) {
			all, rest = append(all, rest[0]), rest[1:]
		} else {
			all = append(all, ledger.DaySpent{Day: day})
		}
	}
	return all
}

func fill(p *image.Paletted, x0, y0, x1, y1 int, index uint8) {
	for y := y0; y < y1; y++ {
		for x := x0; x < x1; x++ {
			p.SetColorIndex(x, y, index)
		}
	}
}

// digits are three columns by five rows each, a row three bits.
var digits = [10][5]uint8{
	{7, 5, 5, 5, 7}, {2, 6, 2, 2, 7}, {7, 1, 7, 4, 7}, {7, 1, 7, 1, 7}, {5, 5, 7, 1, 1},
	{7, 4, 7, 1, 7}, {7, 4, 7, 5, 7}, {7, 1, 1, 1, 1}, {7, 5, 7, 5, 7}, {7, 5, 7, 1, 7},
}

// writeNumber writes a number centred under x.
func writeNumber(p *image.Paletted, x, y, n int) {
	const dot = 6
	text := fmt.Sprint(n)
	x -= (len(text)*4 - 1) * dot / 2
	for _, c := range text {
		for row, bits := range digits[c-'0'] {
			for column := range 3 {
				if bits&(4>>column) != 0 {
					fill(p, x+column*dot, y+row*dot, x+(column+1)*dot, y+(row+1)*dot, ink)
				}
			}
		}
		x += 4 * dot
	}
}
