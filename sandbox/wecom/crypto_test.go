package wecom

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/binary"
	"os"
	"strings"
	"testing"
)

// The public sample of https://developer.work.weixin.qq.com/document/path/90968.
const (
	sampleToken  = "QDG6eK"
	sampleAESKey = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
	sampleCorp   = "wx5823bf96d3bd56c7"
)

func sampleSeal(t testing.TB) seal {
	t.Helper()
	k, err := newSeal(sampleToken, sampleAESKey)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func readTestdata(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(string(b), "\n")
}

func TestSeal_PublishedVectors(t *testing.T) {
	t.Parallel()
	k := sampleSeal(t)
	for _, tt := range []struct {
		name, signature, timestamp, nonce, encrypted, random, plain string
	}{
		{
			"V1 verify URL", "5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3", "1409659589", "263014780",
			"P9nAzCzyDtyTWESHep1vC5X9xho/qYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp+4RPcs8TgAE7OaBO+FZXvnaqQ==",
			"c41b64491c2468d0", "1616140317555161061",
		},
		{
			"V2 receive message", "477715d11cdb4164915debcba66cb864d751f3e6", "1409659813", "1372623149",
			readTestdata(t, "vector2.base64"), "0960688932c47ef1", readTestdata(t, "vector2.xml"),
		},
		{
			"V3 encrypt", "6963916188a9972dd57e779c6eb680b07cf4fa99", "1409659813", "1372623149",
			"sKqRbbiSUnDhFHOvPjtUMd2aKGsnO1wGUhhgmucZyOooAmp9WiC5uDkjoOv6eP1l5uh45DeEw9aco5AR3vyVtA==",
			"0123456789abcdef", "hello",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := k.sign(tt.timestamp, tt.nonce, tt.encrypted); got != tt.signature {
				t.Errorf("signature %s, want %s", got, tt.signature)
			}
			plain, err := k.decrypt(tt.encrypted, sampleCorp)
			if err != nil || string(plain) != tt.plain {
				t.Errorf("decrypt: %q, %v; want %q", plain, err, tt.plain)
			}
			encrypted, err := k.encrypt([]byte(tt.random), []byte(tt.plain), sampleCorp)
			if err != nil || encrypted != tt.encrypted {
				t.Errorf("encrypt: %s, %v; want %s", encrypted, err, tt.encrypted)
			}
		})
	}
}

func TestSeal_Refuses(t *testing.T) {
	t.Parallel()
	k := sampleSeal(t)
	// raw encrypts a plaintext that already has its padding.
	raw := func(plain []byte) string {
		block, err := aes.NewCipher(k.key)
		if err != nil {
			t.Fatal(err)
		}
		out := bytes.Clone(plain)
		cipher.NewCBCEncrypter(block, k.key[:16]).CryptBlocks(out, out)
		return base64.StdEncoding.EncodeToString(out)
	}
	framed := func(msgLen uint32, pad byte) []byte {
		b := bytes.Repeat([]byte{pad}, 64)
		copy(b, "0123456789abcdef")
		binary.BigEndian.PutUint32(b[16:], msgLen)
		copy(b[20:], "hello"+sampleCorp)
		return b
	}
	other, err := k.encrypt([]byte("0123456789abcdef"), []byte("hello"), "wrongcorp")
	if err != nil {
		t.Fatal(err)
	}
	for name, encrypted := range map[string]string{
		"WrongReceiver":   other,
		"NotBase64":       "***",
		"Empty":           "",
		"HalfBlock":       base64.StdEncoding.EncodeToString(make([]byte, 48)),
		"PadZero":         raw(framed(5, 0)),
		"Pad33":           raw(framed(5, 33)),
		"PadBytesDiffer":  raw(append(framed(5, 1)[:62], 7, 3)),
		"LengthBeyondEnd": raw(framed(0xFFFFFFFF, 21)),
		"TooShort":        raw(bytes.Repeat([]byte{32}, 32)),
	} {
		t.Run(name, func(t *testing.T) {
			if plain, err := k.decrypt(encrypted, sampleCorp); err == nil {
				t.Errorf("decrypted to %q", plain)
			}
		})
	}
	for name, pair := range map[string][2]string{
		"Key44":       {sampleToken, sampleAESKey + "A"},
		"KeyAlphabet": {sampleToken, sampleAESKey[:42] + "-"},
		"TokenLong":   {strings.Repeat("t", 33), sampleAESKey},
		"TokenEmpty":  {"", sampleAESKey},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := newSeal(pair[0], pair[1]); err == nil {
				t.Error("taken")
			}
		})
	}
	if k.signed(strings.Repeat("0", 40), "1", "2", "3") {
		t.Error("a wrong signature was taken")
	}
}

func FuzzSeal_Decrypt(f *testing.F) {
	k := sampleSeal(f)
	f.Add(readTestdata(f, "vector2.base64"))
	f.Fuzz(func(t *testing.T, encrypted string) {
		plain, err := k.decrypt(encrypted, sampleCorp)
		if err == nil && len(plain) > len(encrypted) {
			t.Errorf("%d bytes out of %d", len(plain), len(encrypted))
		}
	})
}

func TestJSSignature_Vector(t *testing.T) {
	t.Parallel()
	got := jsSignature("sM4AOVdWfPE4DxkXGEs8VMCPGGVi4C3VM0P37wVUCFvkVAy_90u5h9nbSlYy3-Sl-HhTdfl2fzFy1AOcHKP7qg",
		"Wm3WZYTPz0wzccnW", "1414587457", "http://mp.weixin.qq.com?params=value")
	if want := "0f9de62fce790f9a083d5c99e95740ceb90c27ed"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
