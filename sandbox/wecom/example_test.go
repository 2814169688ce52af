package wecom_test

import (
	"fmt"
	"net/http/httptest"

	"xiaoka/sandbox/wecom"
)

// A corp with one app and one member. The app under test gets api.URL as its WeCom address; when it listens, SetApp
// tells the simulator where.
func Example() {
	sim, err := wecom.New(wecom.Config{
		CorpID:  "wwsandbox",
		Apps:    []wecom.App{{AgentID: 1000002, Name: "校园一卡通", Secret: "secret", Token: "token", EncodingAESKey: "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"}},
		Members: []wecom.Member{{UserID: "20230001", Name: "林晓", OpenID: "oLin"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	api := httptest.NewServer(sim.Handler())
	defer api.Close()

	app := sim.Apps()[0]
	app.Callback = "http://127.0.0.1:8080/wecom/card"
	fmt.Println(sim.SetApp(app), len(sim.Conversation("20230001", app.AgentID)))
	// Output: <nil> 0
}
