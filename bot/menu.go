package bot

import (
	"errors"
	"fmt"
	"strings"
)

// Menu is an app's menu. https://developer.work.weixin.qq.com/document/path/90231
type Menu struct {
	Button []MenuButton `json:"button"`
}

// MenuButton is one item; one with SubButton has neither Type nor Key nor URL.
type MenuButton struct {
	Type      string       `json:"type,omitempty"`
	Name      string       `json:"name"`
	Key       string       `json:"key,omitempty"`
	URL       string       `json:"url,omitempty"`
	AppID     string       `json:"appid,omitempty"`
	PagePath  string       `json:"pagepath,omitempty"`
	SubButton []MenuButton `json:"sub_button,omitempty"`
}

// Validate holds WeCom's limits: 1 to 3 items with 1 to 5 items below each, names of 16 and 40 bytes, keys of 60 bytes, and what
// each type needs.
func (m Menu) Validate() error {
	if n := len(m.Button); n < 1 || n > 3 {
		return fmt.Errorf("bot: menu: %d first-level items, 1 to 3 are allowed (40016)", n)
	}
	for _, b := range m.Button {
		if err := b.validate(16); err != nil {
			return fmt.Errorf("bot: menu: %q: %w", b.Name, err)
		}
		if len(b.SubButton) > 5 {
			return fmt.Errorf("bot: menu: %q: %d items, 5 are allowed (40023)", b.Name, len(b.SubButton))
		}
		for _, s := range b.SubButton {
			if len(s.SubButton) > 0 {
				return fmt.Errorf("bot: menu: %q: a third level (40022)", s.Name)
			}
			if err := s.validate(40); err != nil {
				return fmt.Errorf("bot: menu: %q: %w", s.Name, err)
			}
		}
	}
	return nil
}

func (b MenuButton) validate(nameBytes int) error {
	if b.Name == "" || len(b.Name) > nameBytes {
		return fmt.Errorf("the name must have 1 to %d bytes", nameBytes)
	}
	if len(b.SubButton) > 0 {
		if b.Type != "" || b.Key != "" || b.URL != "" {
			return errors.New("an item with items below has no type, key or url")
		}
		return nil
	}
	switch b.Type {
	case "click", "scancode_push", "scancode_waitmsg", "pic_sysphoto", "pic_photo_or_album", "pic_weixin", "location_select":
		if b.Key == "" || len(b.Key) > 60 {
			return errors.New("the key must have 1 to 60 bytes (40019, 40026)")
		}
	case "view":
		if !strings.HasPrefix(b.URL, "https://") && !strings.HasPrefix(b.URL, "http://") || len(b.URL) > 1024 {
			return errors.New("the url must have a scheme and at most 1024 bytes (40020, 40027)")
		}
	case "view_miniprogram":
		if b.AppID == "" || b.PagePath == "" {
			return errors.New("appid and pagepath are required")
		}
	default:
		return fmt.Errorf("unknown type %q (40017)", b.Type)
	}
	return nil
}
