package archtest_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// nodeNames are the constructs of Node's server that docs/migration-from-node.md must speak of.
var nodeNames = map[string]string{
	"Server": `sockets engine httpServer attach listen attachApp bind onconnection of close path serveClient adapter connectTimeout use to in
		except emit serverSideEmit allSockets compress volatile local timeout fetchSockets socketsJoin socketsLeave disconnectSockets new_namespace`,
	"Engine": `clientsCount use close attach handleRequest handleUpgrade generateId onWebTransportSession connection_error initial_headers
		headers flush drain`,
	"Options": `path addTrailingSlash destroyUpgrade destroyUpgradeTimeout pingInterval pingTimeout upgradeTimeout maxHttpBufferSize allowRequest
		transports allowUpgrades perMessageDeflate httpCompression wsEngine initialPacket cookie cors allowEIO3 serveClient adapter parser
		connectTimeout connectionStateRecovery maxDisconnectionDuration skipMiddlewares cleanupEmptyChildNamespaces`,
	"Namespace": `name server adapter sockets use emit to in except compress volatile local timeout send write fetchSockets socketsJoin
		socketsLeave disconnectSockets allSockets serverSideEmit serverSideEmitWithAck connect connection`,
	"Socket": `id nsp client conn request connected disconnected recovered data rooms handshake emit emitWithAck timeout volatile compress broadcast
		local to in except join leave disconnect use onAny prependAny offAny listenersAny onAnyOutgoing prependAnyOutgoing offAnyOutgoing
		listenersAnyOutgoing send write disconnecting error headers time address xdomain secure issued url query auth`,
	"Broadcast": "to in except compress volatile local timeout emit emitWithAck responses fetchSockets socketsJoin socketsLeave disconnectSockets allSockets",
	"Remote":    "id handshake rooms data emit emitWithAck timeout join leave disconnect",
}

// span is code in a line of Markdown.
var span = regexp.MustCompile("`[^`]+`")

// migration returns the page and the cells of its tables: Node's, and ours.
func migration(t *testing.T) (page, node, ours string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root(t), "docs", "migration-from-node.md"))
	if err != nil {
		t.Fatal(err)
	}
	page = string(text)
	for line := range strings.Lines(page) {
		if cells := strings.Split(line, "|"); len(cells) > 3 && !strings.HasPrefix(line, "|---") {
			node += cells[1] + "\n"
			ours += strings.Join(cells[2:], " ") + "\n"
		}
	}
	return page, node, ours
}

// TestMigrationIsComplete looks for every construct of Node in the tables, or among what has no counterpart.
func TestMigrationIsComplete(t *testing.T) {
	t.Parallel()
	page, node, _ := migration(t)
	_, none, ok := strings.Cut(page, "\n## What has no counterpart\n")
	if !ok {
		t.Fatal("the page does not say what has no counterpart")
	}
	words := map[string]bool{}
	for _, code := range span.FindAllString(node+none, -1) {
		for _, word := range regexp.MustCompile(`\w+`).FindAllString(code, -1) {
			words[word] = true
		}
	}
	for of, names := range nodeNames {
		for name := range strings.FieldsSeq(names) {
			if !words[name] {
				t.Errorf("%s of Node's %s is not on the page", name, of)
			}
		}
	}
}

// TestMigrationNamesExist compares the exported names in the tables with those of sio.
func TestMigrationNamesExist(t *testing.T) {
	t.Parallel()
	api, err := os.ReadFile(filepath.Join(root(t), "api", "sio.txt"))
	if err != nil {
		t.Fatal(err)
	}
	exported := regexp.MustCompile(`\b[A-Z]\w+`)
	known := map[string]bool{}
	for _, name := range []string{"Handler", "Request", "RawMessage", "Origin", "Req", "Res"} { // of other packages, and the reader's
		known[name] = true
	}
	for _, name := range exported.FindAllString(string(api), -1) {
		known[name] = true
	}
	_, _, ours := migration(t)
	for _, code := range span.FindAllString(ours, -1) {
		for _, name := range exported.FindAllString(code, -1) {
			if !known[name] {
				t.Errorf("%s: there is no %s", code, name)
			}
		}
	}
}

// TestMigrationCompiles builds the Go code of the page, each piece as the body of a function.
func TestMigrationCompiles(t *testing.T) {
	t.Parallel()
	page, _, _ := migration(t)
	var b strings.Builder
	b.WriteString(`package migration

import (
	"context"
	"errors"
	"log"
	"net/http"
	"regexp"
	"time"

	"github.com/gannet-io/gannet/sio"
)

var (
	_ = errors.New
	_ = log.Println
	_ = regexp.MustCompile
	_ http.Handler
	_ time.Duration
)
`)
	pieces := strings.Split(page, "```go\n")[1:]
	for i, piece := range pieces {
		code, _, _ := strings.Cut(piece, "```")
		fmt.Fprintf(&b, "\nfunc piece%d(ctx context.Context, srv *sio.Server, n *sio.Namespace, s *sio.Socket) error {\n", i)
		for _, name := range []string{"srv, err :=", "reply, err :="} { // what a piece only shows
			if strings.Contains(code, "\n"+name) || strings.HasPrefix(code, name) {
				first, _, _ := strings.Cut(name, ",")
				code += "_, _ = " + first + ", err\n"
			}
		}
		b.WriteString(code + "return nil\n}\n")
	}
	if len(pieces) < 5 {
		t.Errorf("%d pieces of Go code on the page", len(pieces))
	}
	dir := t.TempDir()
	source, overlay := filepath.Join(dir, "migration.go"), filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(source, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	// The package is only there for the compiler.
	as := filepath.Join(root(t), "internal", "archtest", "migration", "migration.go")
	text, err := json.Marshal(map[string]any{"Replace": map[string]string{as: source}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(overlay, text, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "go", "build", "-overlay", overlay, "./internal/archtest/migration")
	cmd.Dir = root(t)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
