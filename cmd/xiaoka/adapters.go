package main

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"

	"xiaoka/bot"
	"xiaoka/config"
	"xiaoka/h5"
	"xiaoka/ledger"
	"xiaoka/pay"
	"xiaoka/store"
)

// The few places where two packages use different words for the same thing.

// tasks keeps the bot's tasks in the database.
type tasks struct{ *store.Store }

func (t tasks) SaveTask(ctx context.Context, k bot.Task) error {
	return t.Store.SaveTask(ctx, ledger.Task{ID: k.ID, UserID: k.UserID, AgentID: int(k.AgentID), Kind: k.Kind, Subject: k.Subject,
		CreatedAt: k.CreatedAt, ExpiresAt: k.ExpiresAt})
}

func (t tasks) Task(ctx context.Context, id string) (bot.Task, error) {
	k, err := t.Store.Task(ctx, id)
	if errors.Is(err, ledger.ErrNotFound) {
		return bot.Task{}, bot.ErrNoTask
	}
	return bot.Task{ID: k.ID, UserID: k.UserID, AgentID: int64(k.AgentID), Kind: k.Kind, Subject: k.Subject,
		CreatedAt: k.CreatedAt, ExpiresAt: k.ExpiresAt}, err
}

// members asks WeCom who a visitor of the pages is.
type members struct{ *bot.Client }

func (m members) UserInfo(ctx context.Context, code string) (string, error) {
	userID, err := m.Client.UserInfo(ctx, code)
	switch {
	case errors.Is(err, bot.ErrBadCode):
		return "", h5.ErrOAuthCode
	case errors.Is(err, bot.ErrNotMember):
		return "", h5.ErrNotMember
	}
	return userID, err
}

func (m members) OpenID(ctx context.Context, userID string) (string, error) {
	openID, err := m.Client.OpenID(ctx, userID)
	if errors.Is(err, bot.ErrNoOpenID) {
		return "", h5.ErrNoOpenID
	}
	return openID, err
}

// payments is the way of the pages to WeChat Pay.
type payments struct{ *pay.Merchant }

func (p payments) CallUp(ctx context.Context, o ledger.Order, openID string) (h5.CallUp, error) {
	params, err := p.Merchant.CallUp(ctx, o, openID)
	return h5.CallUp(params), err
}

// merchant opens our side of the merchant account.
func merchant(cfg *config.Config, s pay.Store, log *slog.Logger) (*pay.Merchant, error) {
	told := make([]string, len(cfg.Operators))
	for i, operator := range cfg.Operators {
		told[i] = operator.UserID
	}
	o := pay.Config{NotifyURL: cfg.PublicURL + "/wechatpay/notify", RefundNotifyURL: cfg.PublicURL + "/wechatpay/refund-notify",
		Min: ledger.Fen(cfg.TopUp.Min), Max: ledger.Fen(cfg.TopUp.Max), Operators: told, Store: s, Log: log}
	w := cfg.WeChatPay
	der, err := x509.MarshalPKCS8PrivateKey(w.PrivateKey.Reveal())
	if err != nil {
		return nil, errors.New("the merchant's private key cannot be used")
	}
	o.MchID, o.AppID, o.SerialNo, o.APIV3Key, o.BaseURL = w.MchID, w.AppID, w.SerialNo, w.APIv3Key.Reveal(), w.APIURL
	o.PrivateKey = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	if w.PublicKey != nil {
		if der, err = x509.MarshalPKIXPublicKey(w.PublicKey); err != nil {
			return nil, fmt.Errorf("the WeChat Pay public key cannot be used: %w", err)
		}
		o.PublicKeyID = w.PublicKeyID
		o.PublicKey = pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	}
	return pay.New(o)
}
