package wecom

import (
	"crypto/subtle"
	"net/http"
	"strconv"
	"time"

	"github.com/skip2/go-qrcode"
)

// contactsAgent stands for contact sync (通讯录同步), which is no app, where tokens are told apart.
const contactsAgent = -1

// joinLife is how long a code to join the corp is good.
const joinLife = 7 * 24 * time.Hour

// joinSizes are the sides of the picture in pixels, by size_type.
var joinSizes = map[string]int{"": 399, "1": 171, "2": 399, "3": 741, "4": 2052}

// isContacts reports whether a secret is that of contact sync.
func (s *Server) isContacts(secret string) bool {
	return s.cfg.ContactsSecret != "" && subtle.ConstantTimeCompare([]byte(s.cfg.ContactsSecret), []byte(secret)) == 1
}

// getJoinQRCode is https://developer.work.weixin.qq.com/document/path/91714: for contact sync alone, a picture's address that is good for a week.
func (s *Server) getJoinQRCode(c call) (fields, error) {
	size := c.query.Get("size_type")
	if _, ok := joinSizes[size]; !ok {
		return nil, refuse(40058, "invalid request parameter: size_type")
	}
	code, err := s.randomHex(16)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for old, until := range s.joinCodes {
		if s.cfg.Now().After(until) {
			delete(s.joinCodes, old)
		}
	}
	s.joinCodes[code] = s.cfg.Now().Add(joinLife)
	return fields{"join_qrcode": c.base + "/wework_admin/genqrcode?action=join&vcode=" + code + "&r=hb_share_api_mjoin&qr_size=" + size}, nil
}

// joinPicture is the QR code itself. Nobody can join by it: it says that it is the sandbox's.
func (s *Server) joinPicture(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	until, ok := s.joinCodes[r.URL.Query().Get("vcode")]
	s.mu.Unlock()
	if !ok || s.cfg.Now().After(until) {
		http.NotFound(w, r)
		return
	}
	picture, err := qrcode.Encode("xiaoka-sandbox: "+s.cfg.CorpID, qrcode.Medium, joinSizes[r.URL.Query().Get("qr_size")])
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "image/png")
	w.Header().Set("Content-Length", strconv.Itoa(len(picture)))
	_, _ = w.Write(picture)
}
