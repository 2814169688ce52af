package main

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"xiaoka/sandbox/campus"
	"xiaoka/sandbox/mail"
	"xiaoka/sandbox/mishap"
)

// control is what --control serves: faults, the simulators' clock, and crashes of the product, as JSON. GET / lists it.
// The forms of the faults are those of wecom.Faults, wechatpay.Fault and mail.Faults.
func control(world *campus.Campus, p *product, mishaps *mishap.Dice) http.Handler {
	return serveControl(routesOfWeCom(world.WeCom), routesOfTime(world), routesOfMishaps(mishaps), routesOfCampus(world, p))
}

// routesOfMishaps say how much goes wrong on purpose, and change it.
func routesOfMishaps(d *mishap.Dice) routes {
	type misbehaviour struct {
		Percent float64 `json:"percent"`
		Seed    uint64  `json:"seed"` // cannot be changed
	}
	return routes{
		"GET /misbehave": func(*http.Request) (any, error) { return misbehaviour{d.Share() * 100, d.Seed()}, nil },
		"PUT /misbehave": take(func(m misbehaviour) error {
			if m.Percent < 0 || m.Percent > 100 {
				return errBadRequest
			}
			d.SetShare(m.Percent / 100)
			return nil
		}),
	}
}

// routesOfCampus are those of the whole campus beside WeCom's.
func routesOfCampus(world *campus.Campus, p *product) routes {
	return routes{
		"GET /state": func(*http.Request) (any, error) {
			return map[string]any{
				"product_pid": p.pid(), "product_starts": p.started(), "clock_offset": world.ClockOffset().String(), "people": len(world.People()),
			}, nil
		},
		"POST /product/kill":  func(*http.Request) (any, error) { p.kill(); return nil, nil },
		"POST /product/stop":  func(*http.Request) (any, error) { p.stop(); return nil, nil },
		"POST /product/start": func(r *http.Request) (any, error) { return nil, p.start(r.Context()) },

		"GET /faults": func(*http.Request) (any, error) { return world.Switched(), nil },
		"PUT /faults/{name}": func(r *http.Request) (any, error) {
			var in struct {
				On bool `json:"on"`
			}
			if err := json.NewDecoder(io.LimitReader(r.Body, maxBody)).Decode(&in); err != nil {
				return nil, errBadRequest
			}
			return nil, world.Switch(campus.Fault(r.PathValue("name")), in.On)
		},

		"GET /wechatpay/faults":     func(*http.Request) (any, error) { return world.Pay.Faults(), nil },
		"POST /wechatpay/faults":    take(world.Pay.Inject),
		"DELETE /wechatpay/faults":  func(*http.Request) (any, error) { world.Pay.ClearFaults(); return nil, nil },
		"GET /wechatpay/orders":     func(*http.Request) (any, error) { return world.Pay.Orders(), nil },
		"GET /wechatpay/deliveries": func(*http.Request) (any, error) { return world.Pay.Deliveries(), nil },

		"GET /mail/faults": func(*http.Request) (any, error) { return world.Mail.Faults(), nil },
		"PUT /mail/faults": take(func(f mail.Faults) error { world.Mail.SetFaults(f); return nil }),
		"GET /mails":       func(*http.Request) (any, error) { return world.Mails(), nil },
	}
}

// routesOfTime move the simulators' clock and show what went over the wire.
func routesOfTime(world *campus.Campus) routes {
	return routes{
		"GET /clock": func(*http.Request) (any, error) { return clock{world.ClockOffset().String()}, nil },
		"PUT /clock": take(func(c clock) error {
			d, err := time.ParseDuration(c.Offset)
			if err != nil {
				return errBadRequest
			}
			world.SetClockOffset(d)
			return nil
		}),
		"GET /timeline": func(r *http.Request) (any, error) {
			after, err := strconv.Atoi(r.URL.Query().Get("after"))
			if err != nil {
				after = 0
			}
			return world.Timeline.Since(after), nil
		},
	}
}

// serveControl answers the routes, and lists them at its root.
func serveControl(all ...routes) http.Handler {
	mux := http.NewServeMux()
	joined := routes{}
	for _, some := range all {
		maps.Copy(joined, some)
	}
	list := slices.Sorted(maps.Keys(joined))
	for pattern, serve := range joined {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			v, err := serve(r)
			respond(w, v, err)
		})
	}
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { respond(w, list, nil) })
	return http.NewCrossOriginProtection().Handler(mux)
}

// routes are what a control address answers, by pattern.
type routes map[string]func(*http.Request) (any, error)

// clock is how far the simulators' clock is ahead of this machine's, such as 25h or -10m; the product keeps its own.
type clock struct {
	Offset string `json:"offset"`
}

var errBadRequest = errors.New("this is not the JSON expected here")

// maxBody is far above any fault.
const maxBody = 1 << 20

func take[T any](set func(T) error) func(*http.Request) (any, error) {
	return func(r *http.Request) (any, error) {
		var v T
		dec := json.NewDecoder(io.LimitReader(r.Body, maxBody))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&v); err != nil {
			return nil, errors.Join(errBadRequest, err)
		}
		return v, set(v)
	}
}

func agent(act func(int)) func(*http.Request) (any, error) {
	return func(r *http.Request) (any, error) {
		id, err := agentID(r)
		if err == nil {
			act(id)
		}
		return nil, err
	}
}

func agentID(r *http.Request) (int, error) {
	id, err := strconv.Atoi(r.PathValue("agent"))
	if err != nil {
		return 0, errBadRequest
	}
	return id, nil
}

func respond(w http.ResponseWriter, v any, err error) {
	status := http.StatusOK
	switch {
	case errors.Is(err, errBadRequest):
		status = http.StatusBadRequest
	case err != nil:
		status = http.StatusConflict
	}
	if err != nil {
		v = map[string]string{"error": err.Error()}
	}
	if v == nil {
		v = struct{}{}
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // whoever asked has gone
}
