package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/orchestrix-go/orchestrix/bench"
	"github.com/orchestrix-go/orchestrix/bench/page"
)

func pageOf(dir string) string { return filepath.Join(dir, "index.html") }

// checkFolder makes the folder and tries to write there, so that a measurement is not made for nothing.
func checkFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	file, err := os.CreateTemp(dir, ".try-*")
	if err != nil {
		return err
	}
	return errors.Join(file.Close(), os.Remove(file.Name()))
}

// writeReport leaves the report in a folder: as a page, and as the JSON that --compare reads.
func writeReport(dir string, report bench.Report) error {
	err := replaceFile(pageOf(dir), func(w io.Writer) error { return page.Write(w, report) })
	if err != nil {
		return err
	}
	return replaceFile(filepath.Join(dir, "report.json"), func(w io.Writer) error { return bench.WriteJSON(w, report) })
}

// replaceFile writes a file under another name and then gives it its own, so that nobody ever reads half of one. After an
// error the file is as it was.
func replaceFile(path string, write func(io.Writer) error) (err error) {
	var content bytes.Buffer
	if err := write(&content); err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(file.Name()))
		}
	}()
	mode := os.FileMode(0o644) // CreateTemp makes files that only their owner reads
	if info, statErr := os.Stat(path); statErr == nil {
		mode = info.Mode().Perm()
	}
	_, err = file.Write(content.Bytes())
	err = errors.Join(err, file.Chmod(mode), file.Sync(), file.Close())
	if err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}
