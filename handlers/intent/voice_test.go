package intent

import (
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

var train = flag.Bool("train", false, "write the weights that the samples yield")

// example is a sample as the voice learns it.
type example struct {
	features features
	spelled  int   // how many of them are of the spelling
	accept   []int // in [heard]
}

func exampleOf(s sample) (e example) {
	runes := normalize(s.text)
	if len(runes) == 0 || len(runes) > maxRunes || scripted(s.text) || isCode(runes) {
		return e
	}
	runes, tokens := parse(runes, today)
	e.features.spelling(runes, tokens)
	e.spelled = len(e.features)
	e.features.meaning(tokens)
	for _, intent := range s.accept {
		if i := slices.Index(heard[:], intent); i >= 0 {
			e.accept = append(e.accept, i)
		}
	}
	return e
}

const (
	rounds   = 24 // how often every example is seen
	distance = 20 // how far the right intent is to be ahead of every wrong one
	fraction = 8  // of a step is one in the weights
	unseen   = 40 // percent of the features are hidden from a step, so that it does not lean on a few
)

// learn trains an averaged perceptron, in whole numbers only: the same weights on every machine. Every fifth time an example
// is seen without its concepts, so that the characters are learnt as well.
func learn(examples []example) voice {
	const n = len(heard)
	weights, sums := make([]int, buckets*n), make([]int, buckets*n)
	random := rand.New(rand.NewPCG(1, 2))
	step := 0
	var seen []uint32
	for range rounds {
		for _, i := range random.Perm(len(examples)) {
			e := examples[i]
			if len(e.accept) == 0 {
				continue
			}
			step++
			all := e.features
			if random.IntN(5) == 0 {
				all = all[:e.spelled]
			}
			seen = seen[:0]
			for _, bucket := range all {
				if random.IntN(100) >= unseen {
					seen = append(seen, bucket)
				}
			}
			var o opinion
			for _, bucket := range seen {
				for c, w := range weights[int(bucket)*n:][:n] {
					o[c] += int32(w)
				}
			}
			right, wrong := e.accept[0], -1
			for c := range o {
				switch {
				case slices.Contains(e.accept, c):
					if o[c] > o[right]+distance {
						right = c
					}
				case wrong < 0 || o[c] > o[wrong]:
					wrong = c
				}
			}
			if o[right]-o[wrong] >= distance {
				continue
			}
			for _, bucket := range seen {
				weights[int(bucket)*n+right]++
				sums[int(bucket)*n+right] += step
				weights[int(bucket)*n+wrong]--
				sums[int(bucket)*n+wrong] -= step
			}
		}
	}
	out := make([]byte, len(weights))
	for i, w := range weights {
		out[i] = byte(int8(min(max((w*(step+1)-sums[i])*fraction/(step+1), -128), 127)))
	}
	return voice(out)
}

// lessons are the samples that the voice learns from: all but those only counted.
func lessons(tb testing.TB) (all []sample) {
	for _, path := range sampleFiles(tb, "testdata") {
		if filepath.Base(filepath.Dir(path)) != "held" {
			all = append(all, readSamples(tb, path)...)
		}
	}
	return all
}

// TestTrained: the weights are those that the samples yield.
func TestTrained(t *testing.T) {
	if underRace {
		t.Skip("slow")
	}
	var examples []example
	for _, s := range lessons(t) {
		examples = append(examples, exampleOf(s))
	}
	learnt := learn(examples)
	if *train {
		if err := os.WriteFile("voice.weights", []byte(learnt), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if learnt != trained {
		t.Error("the samples, the word lists or what the voice sees have changed: make train")
	}
}

// TestVoice_Unseen measures each fifth of the samples with a voice trained of the others, ten lines in a row together as those
// are often alike. The word lists have seen them all, save what they could not learn: the voice must be worth having even so,
// and must not add to the wrong actions.
func TestVoice_Unseen(t *testing.T) {
	if testing.Short() || underRace {
		t.Skip("slow")
	}
	const parts = 5
	all := lessons(t)
	examples := make([]example, len(all))
	for i, s := range all {
		examples[i] = exampleOf(s)
	}
	var alone, both tally
	for part := range parts {
		var others []example
		for i, e := range examples {
			if i/10%parts != part {
				others = append(others, e)
			}
		}
		voice := learn(others)
		for i, s := range all {
			if i/10%parts != part {
				continue
			}
			before, _, _ := mute.read(s.text, today)
			after, _, _ := voice.read(s.text, today)
			alone[judge(s, before)]++
			both[judge(s, after)]++
		}
	}
	t.Logf("rules alone   %v", alone)
	t.Logf("and the voice %v", both)
	if both[right] <= alone[right] || both[costly] > alone[costly] {
		t.Error("the rules are better off alone")
	}
}

// mute says nothing, and leaves all to the rules.
var mute = voice(make([]byte, buckets*len(heard)))
