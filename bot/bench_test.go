package bot

import (
	"encoding/xml"
	"fmt"
	"math"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/silenceper/wechat/v2/util"
)

// The same work for both sides of the comparison: verify and decrypt one message, parse its XML, and write, encrypt and sign one text.
const (
	benchText  = "卡上余额 ¥52.30"
	benchReply = 1409659814 // CreateTime
)

var benchParams = params{"477715d11cdb4164915debcba66cb864d751f3e6", "1409659813", "1372623149"}

func oursOnce(t testing.TB, c *codec, encrypt []byte) {
	plain, err := c.decode(benchParams, encrypt)
	if err != nil {
		t.Fatal(err)
	}
	m, err := c.message(plain)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.textReply(m, benchReply, benchText); err != nil {
		t.Fatal(err)
	}
}

// What somebody writes who uses the SDK's functions for signature and encryption, with the smallest structs that serve.
type (
	sdkCDATA struct {
		Value string `xml:",cdata"`
	}
	sdkMessage struct {
		ToUserName, FromUserName, MsgType, Content, Event, EventKey, TaskId, CardType, ResponseCode string
		CreateTime, MsgId, AgentID                                                                  int64
	}
	sdkReply struct {
		XMLName                           xml.Name `xml:"xml"`
		ToUserName, FromUserName, MsgType sdkCDATA
		CreateTime                        int64
		Content                           sdkCDATA
	}
	sdkEnvelope struct {
		XMLName               xml.Name `xml:"xml"`
		Encrypt, MsgSignature sdkCDATA
		TimeStamp             int64
		Nonce                 sdkCDATA
	}
)

func sdkOnce(t testing.TB) {
	if util.Signature(testToken, benchParams.timestamp, benchParams.nonce, v2Crypt) != benchParams.signature {
		t.Fatal("signature")
	}
	_, plain, err := util.DecryptMsg(testCorp, v2Crypt, testAESKey)
	if err != nil {
		t.Fatal(err)
	}
	var m sdkMessage
	if err := xml.Unmarshal(plain, &m); err != nil {
		t.Fatal(err)
	}
	inner, err := xml.Marshal(sdkReply{ToUserName: sdkCDATA{m.FromUserName}, FromUserName: sdkCDATA{m.ToUserName}, MsgType: sdkCDATA{"text"},
		CreateTime: benchReply, Content: sdkCDATA{benchText}})
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := util.EncryptMsg([]byte("0123456789abcdef"), inner, testCorp, testAESKey)
	if err != nil {
		t.Fatal(err)
	}
	out := sdkEnvelope{Encrypt: sdkCDATA{string(sealed)}, TimeStamp: benchReply, Nonce: sdkCDATA{"30313233"}}
	out.MsgSignature.Value = util.Signature(testToken, "1409659814", "30313233", string(sealed))
	if _, err := xml.Marshal(out); err != nil {
		t.Fatal(err)
	}
}

// codecRace runs both sides in turn, so that whatever else the machine does meets both, and returns the time of one pass of each in
// their best round: what disturbs only ever adds. A round is too short for most garbage collections, so the SDK's five times as much
// garbage hardly counts against it.
func codecRace(t testing.TB, rounds int) (ours, sdk time.Duration) {
	const passes = 50
	c := testCodec(t)
	c.rand = zeros{}
	encrypt := []byte(v2Crypt)
	ours, sdk = math.MaxInt64, math.MaxInt64
	for range rounds {
		began := time.Now()
		for range passes {
			oursOnce(t, c, encrypt)
		}
		between := time.Now()
		for range passes {
			sdkOnce(t)
		}
		ours, sdk = min(ours, between.Sub(began)), min(sdk, time.Since(between))
	}
	return ours / passes, sdk / passes
}

// BenchmarkCodec reports how many times cheaper one message in and one text out are than with the SDK's functions.
func BenchmarkCodec(b *testing.B) {
	b.Run("ours", func(b *testing.B) {
		c := testCodec(b)
		c.rand = zeros{}
		encrypt := []byte(v2Crypt)
		b.ReportAllocs()
		for b.Loop() {
			oursOnce(b, c, encrypt)
		}
	})
	b.Run("silenceper", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			sdkOnce(b)
		}
	})
	b.Run("both", func(b *testing.B) {
		for b.Loop() {
			ours, sdk := codecRace(b, 500)
			b.ReportMetric(float64(ours), "ns/ours")
			b.ReportMetric(float64(sdk), "ns/silenceper")
			b.ReportMetric(float64(sdk)/float64(ours), "times-cheaper")
		}
	})
}

func TestCodec_CheaperThanTheSDK(t *testing.T) {
	switch {
	case testing.Short():
		t.Skip("measures time")
	case instrumented():
		t.Skip("measures time, and the build is instrumented")
	}
	const want = 2.5
	best := 0.0
	for range 10 {
		ours, sdk := codecRace(t, 100)
		if best = max(best, float64(sdk)/float64(ours)); best >= want {
			return
		}
	}
	t.Errorf("%.2f times cheaper, want %.1f", best, want)
}

// instrumented reports whether the race detector or coverage slows this build down.
func instrumented() bool {
	info, ok := debug.ReadBuildInfo()
	return !ok || testing.CoverMode() != "" || slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

// BenchmarkCallback is one push from the bytes of its body to the bytes of the answer, with everything around it in memory.
func BenchmarkCallback(b *testing.B) {
	cb := newTestCallback(b, echo, nil)
	inner := textXML("ZhangSan", "0000000001", "余额")
	encrypted := make([]*http.Request, 512)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if i%len(encrypted) == 0 {
			b.StopTimer()
			cb.cfg.Seen = NewRedis(nil, nil)
			for j := range encrypted {
				r := push{inner: strings.Replace(inner, "0000000001", fmt.Sprintf("1%09d", j), 1)}.request(b)
				encrypted[j] = r
			}
			b.StartTimer()
		}
		if w := serve(cb, encrypted[i%len(encrypted)]); w.Code != 200 || w.Body.Len() == 0 {
			b.Fatal(w.Code)
		}
	}
}
