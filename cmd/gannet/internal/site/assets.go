package site

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"path"
)

// kinds are the files that pages may load; the rest is templates.
var kinds = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
}

func loadAssets(pages fs.FS) (map[string]asset, error) {
	names, err := fs.Glob(pages, "*.*")
	if err != nil {
		return nil, err
	}
	assets := map[string]asset{}
	for _, name := range names {
		kind, ok := kinds[path.Ext(name)]
		if !ok {
			continue
		}
		body, err := fs.ReadFile(pages, name)
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(body)
		assets[name] = asset{body: body, kind: kind, etag: `"` + hex.EncodeToString(sum[:8]) + `"`}
	}
	return assets, nil
}
