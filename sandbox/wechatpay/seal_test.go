package wechatpay

import "testing"

// TestSeal pins AEAD_AES_256_GCM: the nonce is used as ASCII, the tag follows the ciphertext.
func TestSeal(t *testing.T) {
	t.Parallel()
	got, err := seal("0123456789abcdef0123456789abcdef", "61f9c719728a", "transaction", []byte(`{"out_trade_no":"CC20260101000001"}`))
	if err != nil {
		t.Fatal(err)
	}
	want := "+P250vqD5r1PxVpQ9QXDEkYpabLc3vFuTxh8sJMNp+bcLmaSdlIHP1PpCKKBRq4U+kgJ"
	if got.Ciphertext != want || got.Algorithm != "AEAD_AES_256_GCM" {
		t.Errorf("%+v, want %s", got, want)
	}
	if _, err := seal("short", "61f9c719728a", "", nil); err == nil {
		t.Error("sealed under a short key")
	}
	if _, err := seal("0123456789abcdef0123456789abcdef", "61f9", "", nil); err == nil {
		t.Error("sealed with a short nonce")
	}
}
