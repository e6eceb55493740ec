// SPDX-License-Identifier: Apache-2.0

// logcheck holds a running Fermata's log against golang.org/x/mod/sumdb, the software behind Go's
// checksum database: notes, tiles, entries, inclusion and consistency proofs. It shares no code with
// Fermata, and everything that it accepts has been computed again.
//
//	logcheck URL VKEY TOKEN EARLIER.note PROOF...
//
// PROOF is a C2SP tlog-proof, or a proof of growth since EARLIER.note ("old N"). Prints what it has
// checked, one line each; the first thing that does not fit ends it with 1.
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func must(err error, what string) {
	if err != nil {
		fmt.Printf("WRONG %s: %v\n", what, err)
		os.Exit(1)
	}
}

func get(url, token string) []byte {
	request, err := http.NewRequest("GET", url, nil)
	must(err, url)
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := http.DefaultClient.Do(request)
	must(err, url)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	must(err, url)
	if answer.StatusCode != 200 {
		must(fmt.Errorf("status %d", answer.StatusCode), url)
	}
	return body
}

// openCheckpoint opens a signed note and reads the three lines of a C2SP tlog-checkpoint.
func openCheckpoint(text []byte, verifier note.Verifier) tlog.Tree {
	opened, err := note.Open(text, note.VerifierList(verifier))
	must(err, "the signature of a checkpoint")
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 4 || lines[0] != verifier.Name() {
		must(fmt.Errorf("%q", opened.Text), "the form of a checkpoint")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	must(err, "the size of a checkpoint")
	hash, err := tlog.ParseHash(lines[2])
	must(err, "the root of a checkpoint")
	return tlog.Tree{N: size, Hash: hash}
}

// tiles reads C2SP tiles: those of sumdb with height 8, whose paths lack the height.
type tiles struct{ url string }

func (t tiles) Height() int                              { return 8 }
func (t tiles) SaveTiles(tiles []tlog.Tile, _ [][]byte) {}
func (t tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range wanted {
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		all = append(all, get(t.url+"/log/"+path, ""))
	}
	return all, nil
}

// checkEntries reads every bundle of entries and holds each entry's hash against the tree.
func checkEntries(url, token string, tree tlog.Tree, hashes tlog.HashReader) []tlog.Hash {
	var all []tlog.Hash
	for first := int64(0); first < tree.N; first += 256 {
		tile := tlog.Tile{H: 8, L: 0, N: first / 256, W: int(min64(256, tree.N-first))}
		path := strings.Replace(tile.Path(), "tile/8/0/", "tile/entries/", 1)
		bundle := bytes.NewReader(get(url+"/log/"+path, token))
		for bundle.Len() > 0 {
			var size uint16
			must(binary.Read(bundle, binary.BigEndian, &size), "the size of an entry")
			entry := make([]byte, size)
			_, err := io.ReadFull(bundle, entry)
			must(err, "an entry")
			all = append(all, tlog.RecordHash(entry))
		}
	}
	if int64(len(all)) != tree.N {
		must(fmt.Errorf("%d", len(all)), "the number of entries")
	}
	for i := range all {
		found, err := hashes.ReadHashes([]int64{tlog.StoredHashIndex(0, int64(i))})
		must(err, "reading a leaf's hash")
		if found[0] != all[i] {
			must(fmt.Errorf("entry %d", i), "an entry against its tile")
		}
	}
	return all
}

func min64(a, b int64) int64 {
	if a < b {
		return a
	}
	return b
}

func readHashes(lines []string) (hashes []tlog.Hash) {
	for _, line := range lines {
		hash, err := tlog.ParseHash(line)
		must(err, "a hash of a proof")
		hashes = append(hashes, hash)
	}
	return hashes
}

// checkProof checks a C2SP tlog-proof whose extra data brings the entry, with the proof of the file.
func checkProof(file, text string, verifier note.Verifier) {
	head, checkpoint, _ := strings.Cut(text, "\n\n")
	lines := strings.Split(head, "\n")
	if len(lines) < 3 || lines[0] != "c2sp.org/tlog-proof@v1" || !strings.HasPrefix(lines[1], "extra ") {
		must(fmt.Errorf("%q", head), "the form of "+file)
	}
	extra, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(lines[1], "extra "))
	must(err, "the extra data of "+file)
	var said struct{ Entry string }
	must(json.Unmarshal(extra, &said), "the extra data of "+file)
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[2], "index "), 10, 64)
	must(err, "the index of "+file)
	tree := openCheckpoint([]byte(checkpoint), verifier)
	proof := tlog.RecordProof(readHashes(lines[3:]))
	must(tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash([]byte(said.Entry))), file)
	fmt.Printf("inclusion proof of entry %d in %d\n", index, tree.N)
}

// checkGrowth checks "old N", hashes, checkpoint against the earlier checkpoint.
func checkGrowth(file, text string, earlier tlog.Tree, verifier note.Verifier) {
	head, checkpoint, _ := strings.Cut(text, "\n\n")
	lines := strings.Split(head, "\n")
	if lines[0] != fmt.Sprintf("old %d", earlier.N) {
		must(fmt.Errorf("%q", lines[0]), "the form of "+file)
	}
	tree := openCheckpoint([]byte(checkpoint), verifier)
	proof := tlog.TreeProof(readHashes(lines[1:]))
	must(tlog.CheckTree(proof, tree.N, tree.Hash, earlier.N, earlier.Hash), file)
	fmt.Printf("consistency proof from %d to %d\n", earlier.N, tree.N)
}

func main() {
	url, token := os.Args[1], os.Args[3]
	verifier, err := note.NewVerifier(os.Args[2])
	must(err, "the verifier key")
	tree := openCheckpoint(get(url+"/log/checkpoint", ""), verifier)
	fmt.Printf("note and checkpoint of %d entries\n", tree.N)

	hashes := tlog.TileHashReader(tree, tiles{url})
	leaves := checkEntries(url, token, tree, hashes)
	fmt.Printf("tiles and %d entries\n", len(leaves))
	for i := int64(0); i < tree.N; i += 1 + tree.N/97 {
		proof, err := tlog.ProveRecord(tree.N, i, hashes)
		must(err, "making an inclusion proof from tiles")
		must(tlog.CheckRecord(proof, tree.N, tree.Hash, i, leaves[i]), "an inclusion proof from tiles")
	}

	text, err := os.ReadFile(os.Args[4])
	must(err, "the earlier checkpoint")
	earlier := openCheckpoint(text, verifier)
	proof, err := tlog.ProveTree(tree.N, earlier.N, hashes)
	must(err, "making a consistency proof from tiles")
	must(tlog.CheckTree(proof, tree.N, tree.Hash, earlier.N, earlier.Hash), "a consistency proof from tiles")
	fmt.Printf("proofs made from tiles, back to %d entries\n", earlier.N)

	for _, file := range os.Args[5:] {
		text, err := os.ReadFile(file)
		must(err, file)
		if strings.HasPrefix(string(text), "old ") {
			checkGrowth(file, string(text), earlier, verifier)
		} else {
			checkProof(file, string(text), verifier)
		}
	}
	fmt.Println("everything fits")
}
