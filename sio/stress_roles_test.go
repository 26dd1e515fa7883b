//go:build unix

package sio_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"

	"github.com/gannet-io/gannet/sio"
)

// connectLink opens a session and joins a namespace, and returns the id of the
// socket. What came before the answer to the CONNECT is taken too.
func connectLink(k *link, y *ledger, namespace, auth string) (id string, err error) {
	prefix := "40"
	if namespace != "/" {
		prefix += namespace + ","
	}
	if err := k.write(prefix + auth); err != nil {
		return "", err
	}
	for {
		list, err := k.read()
		if err != nil {
			return "", err
		}
		for _, p := range list {
			if rest, ok := strings.CutPrefix(p, prefix+`{"sid":"`); ok {
				id, _, _ = strings.Cut(rest, `"`)
			} else if _, err := y.take(p); err != nil {
				return "", wrongError{err}
			}
		}
		if id != "" {
			return id, nil
		}
	}
}

// startMember connects a client that stays, on each transport in turn.
func (st *turmoil) startMember(i int) {
	r := st.random(i)
	k, err := dialLink(st.addr, i%linkKinds, 1+r.IntN(20), 0)
	if err != nil {
		st.t.Fatal(err)
	}
	y := newLedger("", memberRoom(i), fmt.Sprint("member", i))
	st.ledgers[i] = y
	id, err := connectLink(k, y, "/", fmt.Sprintf(`{"Member":%d}`, i))
	if err != nil {
		st.t.Fatal(err)
	}
	st.sockets[i] = st.socket("/", id)
	y.prompted = func(answer string) { go st.talk(k, r, answer) }
	st.members.Add(1)
	st.rest.Go(func() {
		defer k.close(false)
		err := y.follow(k)
		if err != nil {
			st.t.Errorf("member %d: %v", i, err)
		}
		st.members.Done()
		<-st.checked
		y.fin = false
		err = y.follow(k)
		if _, wrong := errors.AsType[wrongError](err); wrong {
			st.t.Errorf("member %d: %v", i, err)
		}
	})
}

// talk has the handlers of a member emit, and then answers the prompt.
func (st *turmoil) talk(k *link, r *rand.Rand, answer string) {
	for range stressSteps {
		event := "say"
		if r.IntN(2) == 0 {
			event = "say on a worker"
		}
		if err := k.write(`42["` + event + `"]`); err != nil {
			st.t.Errorf("talk: %v", err)
		}
	}
	_ = k.write(answer)
}

// socket returns the socket with an id.
func (st *turmoil) socket(namespace, id string) *sio.Socket {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	list, err := st.srv.Of(namespace).In(id).Sockets(ctx)
	if err != nil || len(list) != 1 {
		st.t.Fatalf("socket %s: %v, %v", id, list, err)
	}
	return list[0]
}

// startSlow connects clients that read nothing until they are told to.
func (st *turmoil) startSlow() *sync.WaitGroup {
	all := new(sync.WaitGroup)
	for _, namespace := range []string{"/new", "/old", "/conflate", "/strict"} {
		for kind := range overUpgrade {
			k, err := dialLink(st.addr, kind, 0, stressWindow)
			if err != nil {
				st.t.Fatal(err)
			}
			y := newLedger()
			y.rooms[""] = between // it may miss some
			if namespace == "/strict" {
				y.rooms[""] = inside
			}
			id, err := connectLink(k, y, namespace, "")
			if err != nil {
				st.t.Fatal(err)
			}
			all.Go(func() { st.sluggard(k, y, namespace, id) })
		}
	}
	return all
}

// sluggard reads when it is told to, and accounts for what was emitted.
func (st *turmoil) sluggard(k *link, y *ledger, namespace, id string) {
	defer k.close(false)
	<-st.resume
	err := y.follow(k)
	if _, wrong := errors.AsType[wrongError](err); wrong {
		st.t.Errorf("%s: %v", namespace, err)
	}
	if namespace == "/strict" {
		if err == nil || y.received == stressSlow {
			st.t.Errorf("%s: %d received, %v", namespace, y.received, err)
		}
		return
	}
	st.mu.Lock()
	dropped := st.dropped[id]
	st.mu.Unlock()
	if err != nil || y.received+dropped != stressSlow || dropped == 0 {
		st.t.Errorf("%s: %d received, %d dropped, want %d together, %v", namespace, y.received, dropped, stressSlow, err)
	}
}

// churn connects, moves between rooms, vanishes, and comes back.
func (st *turmoil) churn(client int, stop <-chan struct{}) {
	r := st.random(100 + client)
	for {
		select {
		case <-stop:
			return
		default:
		}
		if err := st.visit(r); err != nil {
			if _, wrong := errors.AsType[wrongError](err); wrong {
				st.t.Errorf("churner: %v", err)
			}
		}
	}
}

// visit is one session of a churner.
func (st *turmoil) visit(r *rand.Rand) error {
	k, err := dialLink(st.addr, r.IntN(linkKinds), r.IntN(3), 0)
	if err != nil {
		return err
	}
	defer k.close(r.IntN(2) == 0)
	y := newLedger()
	y.rooms[""] = between
	id, err := connectLink(k, y, "/", "")
	if err != nil {
		return err
	}
	if r.IntN(4) == 0 {
		return nil
	}
	for range 1 + r.IntN(5) {
		event := "move"
		if r.IntN(2) == 0 {
			event = "move on a worker"
		}
		if err := k.write(fmt.Sprintf(`42[%q,%q,%v]`, event, memberRoom(r.IntN(stressRooms)), r.IntN(3) > 0)); err != nil {
			return err
		}
	}
	for range r.IntN(6) {
		list, err := k.read()
		if err != nil {
			return err
		}
		for _, p := range list {
			answer, err := y.take(p)
			if err != nil {
				return wrongError{err}
			}
			if answer != "" && r.IntN(2) == 0 {
				_ = k.write(answer)
			}
		}
	}
	if r.IntN(3) == 0 {
		_ = st.srv.To(id).Disconnect(r.IntN(2) == 0)
	}
	return nil
}
