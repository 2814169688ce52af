// Command xiaoka-sandbox is a whole campus on one machine: simulators of WeCom, WeChat Pay, a mail server and the
// self-service machines, a made-up set of people, and `xiaoka serve` as its child, configured against them. A person
// plays it at the one address it prints; tests steer it over --control.
//
// It runs the product as a program and never links it: what is seen here is what production runs, with other addresses.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"xiaoka/sandbox/campus"
	"xiaoka/sandbox/mishap"
	"xiaoka/sandbox/web"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// Exit codes.
const (
	exitOK    = 0
	exitFault = 1
	exitUsage = 2
)

// options are the flags.
type options struct {
	listen, control, dir, product string
	productURL                    *url.URL // nil = the product is our child
	databaseURL, redisURL         string
	people                        int
	misbehave                     float64 // percent
	seed                          uint64  // of the misbehaviour
	json                          bool
	wecomOnly                     bool
	callbacks                     []string
	bot                           campus.Agent // what --wecom-only is told of the app; empty fields are drawn
}

// parse reads the flags; asked for help it prints that and returns flag.ErrHelp.
func parse(args []string, stdout io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("xiaoka-sandbox", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // run says what is wrong, in one sentence
	flags.StringVar(&o.listen, "listen", "127.0.0.1:8080", "`address` of the page; the product runs behind it")
	flags.StringVar(&o.control, "control", "", "`address` for faults, clock and crashes as JSON (GET / there lists them); empty = none, and the sandbox ends when the product does")
	flags.StringVar(&o.dir, "dir", "", "`directory` for its data; an earlier campus there is continued; empty = a temporary one, removed at the end")
	flags.IntVar(&o.people, "people", 200, "how many people a new campus has")
	flags.Float64Var(&o.misbehave, "misbehave", 5, "`percent` of the simulators' calls and callbacks that go a little wrong, as real ones do and a correct client does not notice; 0 = none")
	flags.Uint64Var(&o.seed, "seed", 0, "`number` that chooses them, to see a run again; 0 = drawn")
	flags.BoolVar(&o.json, "json", false, "print one JSON object as the first line")
	flags.StringVar(&o.product, "product", "", "`path` of the xiaoka binary; empty = the one beside this program")
	flags.BoolVar(&o.wecomOnly, "wecom-only", false, "simulate WeCom alone, for any bot of yours: no product, no payment, no machines")
	flags.Func("callback", "`URL` that takes your bot's callbacks, with --wecom-only; given again, another app", func(s string) error {
		if u, err := url.Parse(s); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return errors.New("must be an address such as http://127.0.0.1:9000/callback")
		}
		o.callbacks = append(o.callbacks, s)
		return nil
	})
	flags.IntVar(&o.bot.AgentID, "agent-id", 1000002, "`AgentId` of your bot, with --wecom-only; further apps count on")
	flags.StringVar(&o.bot.Secret, "secret", "", "its `Secret`; empty = drawn")
	flags.StringVar(&o.bot.Token, "token", "", "its callback `Token`; empty = drawn")
	flags.StringVar(&o.bot.EncodingAESKey, "aes-key", "", "its `EncodingAESKey`; empty = drawn")
	flags.Func("product-url", "`URL` where you run xiaoka serve yourself, on the configuration this program writes; empty = it runs as our child", func(s string) (err error) {
		if o.productURL, err = url.Parse(s); err != nil || o.productURL.Host == "" {
			return errors.New("must be an address such as http://127.0.0.1:9000")
		}
		return nil
	})
	flags.StringVar(&o.databaseURL, "database-url", "", "`URL` of the product's database; empty = SQLite in the directory")
	flags.StringVar(&o.redisURL, "redis-url", "", "`URL` of the product's Redis; empty = the one embedded in it")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprint(stdout, "xiaoka-sandbox plays a whole campus on this machine and prints the address to open.\n\nUsage: xiaoka-sandbox [flags]\n\n")
			flags.SetOutput(stdout)
			flags.PrintDefaults()
		}
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("no arguments are expected, only flags: %q", flags.Arg(0))
	}
	if o.people < 1 || o.people > 100_000 {
		return o, errors.New("--people must be 1 to 100000")
	}
	if o.dir == "" && (o.databaseURL != "" || o.productURL != nil) {
		return o, errors.New("--database-url and --product-url need --dir: the configuration and the keys must not be thrown away")
	}
	if !(o.misbehave >= 0 && o.misbehave <= 100) {
		return o, errors.New("--misbehave must be 0 to 100")
	}
	if o.seed == 0 {
		o.seed = rand.Uint64N(1e9) + 1
	}
	if !o.wecomOnly && len(o.callbacks) > 0 {
		return o, errors.New("--callback belongs to --wecom-only")
	}
	if o.wecomOnly && (o.dir != "" || o.productURL != nil || o.databaseURL != "") {
		return o, errors.New("--wecom-only keeps nothing on disk and runs no product: leave out --dir, --product-url and --database-url")
	}
	return o, nil
}

// run is the program without the process: it returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stdout)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		fmt.Fprintf(stderr, "xiaoka-sandbox: %v\nSee xiaoka-sandbox --help.\n", err)
		return exitUsage
	}
	stage := play
	if o.wecomOnly {
		stage = playWeCom
	}
	if err := stage(ctx, o, stdout, stderr); err != nil {
		fmt.Fprintln(stderr, "xiaoka-sandbox:", err)
		return exitFault
	}
	return exitOK
}

// play opens the campus, starts the product and stays until ctx ends or something breaks.
func play(ctx context.Context, o options, stdout, stderr io.Writer) error {
	binary, err := productPath(o.product)
	if err != nil {
		return err
	}
	keep := o.dir != ""
	if !keep {
		if o.dir, err = os.MkdirTemp("", "xiaoka-sandbox-"); err != nil {
			return err
		}
		defer os.RemoveAll(o.dir)
	}
	// The product runs in the directory itself: a relative one would lead nowhere there.
	if o.dir, err = filepath.Abs(o.dir); err != nil {
		return err
	}
	unlock, err := lockDir(o.dir)
	if err != nil {
		return err
	}
	defer unlock()
	front, err := net.Listen("tcp", o.listen)
	if err != nil {
		return fmt.Errorf("%w; --listen 127.0.0.1:0 takes any free port", err)
	}
	defer front.Close()
	public := "http://" + reachable(front.Addr())

	mishaps := mishap.New(o.misbehave/100, o.seed)
	var world *campus.Campus
	world, err = campus.Open(campus.Config{Dir: o.dir, PublicURL: public, People: o.people, Mishaps: mishaps,
		AutoMember: func(r *http.Request) (string, bool) { return holder(r, world) }})
	if err != nil {
		return err
	}
	defer world.Close()
	at := o.productURL
	if at == nil {
		behind, err := freePort()
		if err != nil {
			return err
		}
		at = &url.URL{Scheme: "http", Host: behind}
	}
	settings, err := world.WriteSettings(at.Host, o.databaseURL, o.redisURL)
	if err != nil {
		return err
	}
	child := newProduct(binary, settings, at.Host, filepath.Join(o.dir, "xiaoka.log"))
	child.foreign = o.productURL != nil
	child.changed = func() { world.Hub.Publish(campus.TopicProduct, "") }
	defer child.stop()

	broken := make(chan error, 2)
	page := web.New(web.Config{Campus: world, PublicURL: public, Product: at, ProductUp: child.running, Power: power(o, child)})
	defer serve(front, page.Handler(), broken).Close()

	if err := prepare(ctx, world, child, o.dir); err != nil {
		return err
	}
	if o.productURL == nil {
		if err := open(ctx, world, child); err != nil {
			return err
		}
	}
	var controlURL string
	if o.control != "" {
		l, err := net.Listen("tcp", o.control)
		if err != nil {
			return err
		}
		controlURL = "http://" + reachable(l.Addr())
		defer serve(l, control(world, child, mishaps), broken).Close()
	}
	announce(stdout, o, world, public, controlURL, keep)

	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-broken:
			return fmt.Errorf("the sandbox's own server ended: %w", err)
		case end := <-child.died:
			if ctx.Err() != nil {
				return nil
			}
			fmt.Fprintf(stderr, "xiaoka-sandbox: %v\n%s", end, child.lastWords())
			if o.control == "" {
				return errors.New("the product is gone; its last words are above")
			}
		}
	}
}

// holder says whose phone opens an OAuth link: the operator's own for the operators' page, else the one on the desk.
func holder(r *http.Request, world *campus.Campus) (userID string, ok bool) {
	if to, err := url.Parse(r.FormValue("redirect_uri")); err == nil && strings.HasPrefix(to.Path, "/office/") {
		return world.Operator().UserID, true
	}
	return web.Phone(r)
}

// power pulls the product's plug and puts it in again; nil where somebody else runs it.
func power(o options, child *product) func(context.Context, bool) error {
	if o.productURL != nil {
		return nil
	}
	return func(ctx context.Context, on bool) error {
		if on {
			return child.start(ctx)
		}
		child.kill()
		return nil
	}
}

// serve answers on l until it is closed; the error of its end goes to ended.
func serve(l net.Listener, h http.Handler, ended chan<- error) *http.Server {
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)}
	go func() { ended <- server.Serve(l) }()
	return server
}

// reachable is the address under which a listener is opened in a browser on this machine.
func reachable(a net.Addr) string {
	host, port, err := net.SplitHostPort(a.String())
	if err != nil {
		return a.String()
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}

// freePort finds a port that nobody listens on, below those that systems hand to outgoing connections: one of these could
// take it between now and the moment the product listens, or while it is down.
func freePort() (string, error) {
	const from, to, attempts = 20000, 32000, 50
	var err error
	for range attempts {
		var l net.Listener
		if l, err = net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", from+rand.IntN(to-from))); err == nil {
			return l.Addr().String(), l.Close()
		}
	}
	return "", fmt.Errorf("no free port for the product: %w", err)
}

func announce(w io.Writer, o options, world *campus.Campus, public, controlURL string, keep bool) {
	state := world.State()
	if o.json {
		line, err := json.Marshal(struct {
			URL        string         `json:"url"`
			ControlURL string         `json:"control_url,omitempty"`
			CorpID     string         `json:"corp_id"`
			Agents     []campus.Agent `json:"agents"`
			Dir        string         `json:"dir"`
			Config     string         `json:"config"` // of the product
			Seed       uint64         `json:"seed"`   // of the misbehaviour
		}{public, controlURL, state.CorpID, state.Agents, o.dir, filepath.Join(o.dir, campus.ConfigFile), o.seed})
		if err == nil { // strings and numbers always marshal
			fmt.Fprintf(w, "%s\n", line)
		}
	}
	fmt.Fprintf(w, "小卡的校园开好了，在浏览器里打开：  %s\n", public)
	where := "data in " + o.dir
	if !keep {
		where = "data is thrown away at the end (--dir keeps it)"
	}
	fmt.Fprintf(w, "%d people, %s. Stop with Ctrl-C.\n", len(world.People()), where)
	announceMishaps(w, o)
	if controlURL != "" {
		fmt.Fprintf(w, "Faults, clock and crashes: %s\n", controlURL)
	}
	if o.productURL != nil {
		fmt.Fprintf(w, "Now run the product at %s: xiaoka --config %s serve, and once xiaoka --config … menu push\n",
			o.productURL, filepath.Join(o.dir, campus.ConfigFile))
	}
}

// announceMishaps says what goes wrong on purpose and how to see it again.
func announceMishaps(w io.Writer, o options) {
	if o.misbehave > 0 {
		fmt.Fprintf(w, "%g %% of the calls misbehave a little on purpose (--misbehave 0 ends that, --seed %d repeats it).\n", o.misbehave, o.seed)
	}
}
