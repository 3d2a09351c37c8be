package bench

import (
	"fmt"
	"go/ast"
	"path"
	"slices"
	"strconv"
	"strings"
)

func checkImports(t *tree) []string {
	var faults []string
	for s := range t.product() {
		allowed, listed := imports[s.room]
		switch {
		case inRoom(s.room, "bench", "cmd"):
			continue
		case !listed:
			faults = append(faults, s.path+": folder "+s.room+" has no row in the import table; "+
				"add one to bench/house_test.go or move the file")
			continue
		}
		for _, spec := range s.file.Imports {
			if name, _ := strconv.Unquote(spec.Path.Value); !mayImport(allowed, name) {
				faults = append(faults, fmt.Sprintf("%s: %s may not import %s, only the standard library and %v; "+
					"pass it in through a type of engine, or move the code", t.where(spec), s.room, name, allowed))
			}
		}
	}
	return faults
}

func mayImport(allowed []string, name string) bool {
	first, _, _ := strings.Cut(name, "/")
	if !strings.Contains(first, ".") { // the standard library
		return true
	}
	return slices.ContainsFunc(allowed, func(short string) bool {
		full := packages[short]
		return name == full || !strings.HasPrefix(full, module) && strings.HasPrefix(name, full+"/")
	})
}

// inRoom says whether a folder is one of the rooms or inside one.
func inRoom(folder string, rooms ...string) bool {
	first, _, _ := strings.Cut(folder, "/")
	return slices.Contains(rooms, first)
}

func checkFileLength(t *tree) []string {
	var faults []string
	for _, s := range t.sources {
		if s.lines > maxFileLines {
			faults = append(faults, fmt.Sprintf("%s: %d lines, limit %d; split it by its nouns",
				s.path, s.lines, maxFileLines))
		}
	}
	return faults
}

func checkFunctionLength(t *tree) []string {
	var faults []string
	for s := range t.product() {
		for _, decl := range s.file.Decls {
			function, ok := decl.(*ast.FuncDecl)
			if !ok {
				continue
			}
			if n := t.lines(function); n > maxFunctionLines {
				faults = append(faults, fmt.Sprintf("%s: %s has %d lines, limit %d; give its steps names",
					t.where(function), function.Name, n, maxFunctionLines))
			}
		}
	}
	return faults
}

func checkSignatures(t *tree) []string {
	var faults []string
	for s := range t.product() {
		for _, d := range s.declarations() {
			if d.kind == nil || !d.isExported() {
				continue
			}
			kinds := flatten(d.kind.Params)
			bools := count(kinds, isBool)
			if n := len(kinds) - count(kinds, isContext); n > maxParameters {
				faults = append(faults, fmt.Sprintf("%s: %s takes %d parameters besides a context, limit %d; "+
					"put them into a struct", t.where(d.ident), d, n, maxParameters))
			}
			if bools > 1 || count(flatten(d.kind.Results), isBool) > 1 {
				faults = append(faults, fmt.Sprintf("%s: %s has two bools, which readers mix up; "+
					"use a named type or a struct", t.where(d.ident), d))
			}
		}
	}
	return faults
}

// flatten gives the type of every parameter, one for each name.
func flatten(fields *ast.FieldList) []ast.Expr {
	var kinds []ast.Expr
	if fields == nil {
		return nil
	}
	for _, field := range fields.List {
		kinds = append(kinds, slices.Repeat([]ast.Expr{field.Type}, max(1, len(field.Names)))...)
	}
	return kinds
}

func count[T any](all []T, is func(T) bool) int {
	n := 0
	for _, one := range all {
		if is(one) {
			n++
		}
	}
	return n
}

func isBool(kind ast.Expr) bool {
	ident, ok := kind.(*ast.Ident)
	return ok && ident.Name == "bool"
}

func isContext(kind ast.Expr) bool {
	selector, ok := kind.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	room, ok := selector.X.(*ast.Ident)
	return ok && room.Name == "context" && selector.Sel.Name == "Context"
}

func checkGoStatements(t *tree) []string {
	var faults []string
	used := map[string]bool{}
	for s := range t.product() {
		ast.Inspect(s.file, func(node ast.Node) bool {
			if _, ok := node.(*ast.GoStmt); !ok {
				return true
			}
			used[s.path] = true
			if goStatements[s.path] == "" {
				faults = append(faults, t.where(node)+": a bare go statement; use sync.WaitGroup.Go, "+
					"or add the file to goStatements in bench/house_test.go and say who waits")
			}
			return true
		})
	}
	for _, listed := range sorted(goStatements) {
		if t.has(path.Dir(listed)) && !used[listed] {
			faults = append(faults, listed+": has no go statement any more; remove it from goStatements")
		}
	}
	return faults
}

func checkBannedNames(t *tree) []string {
	var faults []string
	for _, name := range t.paths {
		stem, _, _ := strings.Cut(path.Base(name), ".")
		if slices.Contains(bannedNames, strings.TrimSuffix(stem, "_test")) {
			faults = append(faults, name+": says nothing about what lives there; name it for its main noun")
		}
	}
	for _, s := range t.sources {
		if name := s.file.Name.Name; slices.Contains(bannedNames, strings.TrimSuffix(name, "_test")) {
			faults = append(faults, s.path+": package "+name+" says nothing about what lives there; "+
				"name it for its main noun")
		}
	}
	return faults
}

func checkTopLevel(t *tree) []string {
	var faults []string
	for _, name := range t.paths {
		if strings.Contains(name, "/") || strings.HasPrefix(name, ".") || slices.Contains(topLevel, name) {
			continue
		}
		faults = append(faults, name+": is not an agreed name at the top level; move it into a room")
	}
	return faults
}

func checkOrderWord(t *tree) []string {
	var faults []string
	for s := range t.product() {
		if inRoom(s.room, orderRooms...) {
			continue
		}
		for _, d := range s.declarations() {
			name := s.file.Name.Name + "." + d.String()
			if orderWord.MatchString(d.ident.Name) && !slices.Contains(orderNames, name) {
				faults = append(faults, t.where(d.ident)+": "+name+" uses the word of the domain; "+
					"for sequencing say ticket, lane, version, position or sequence")
			}
		}
	}
	return faults
}

func checkPackageComments(t *tree) []string {
	comments := map[string]int{}
	for s := range t.product() {
		comments[s.room] += 0
		if s.file.Doc != nil {
			comments[s.room]++
		}
	}
	var faults []string
	for _, room := range sorted(comments) {
		if n := comments[room]; n != 1 {
			faults = append(faults, fmt.Sprintf("%s: has %d package comments, needs one; "+
				"say in %s/doc.go what lives here and what does not", room, n, room))
		}
	}
	return faults
}

func checkDocComments(t *tree) []string {
	var faults []string
	for s := range t.product() {
		for _, d := range s.declarations() {
			if d.isExported() && !d.doc {
				faults = append(faults, fmt.Sprintf("%s: %s has no comment; say what it is for", t.where(d.ident), d))
			}
		}
	}
	return faults
}

func checkExportedCount(t *tree) []string {
	names := map[string][]string{}
	for s := range t.product() {
		for _, d := range s.declarations() {
			if d.isExported() && !d.isMethod() {
				names[s.room] = append(names[s.room], d.ident.Name)
			}
		}
	}
	var faults []string
	for _, room := range sorted(exportedLimits) {
		if n, limit := len(names[room]), exportedLimits[room]; n > limit {
			slices.Sort(names[room])
			faults = append(faults, fmt.Sprintf("%s: %d exported names, limit %d; make some of these private: %s",
				room, n, limit, strings.Join(names[room], " ")))
		}
	}
	return faults
}

func checkPhrase(t *tree) []string {
	var faults []string
	for _, name := range sorted(t.texts) {
		for _, at := range bannedPhrase.FindAllStringIndex(t.texts[name], -1) {
			line := 1 + strings.Count(t.texts[name][:at[0]], "\n")
			faults = append(faults, fmt.Sprintf("%s:%d: promises what no network can keep; "+
				"say once per command id, or at least once, or just once", name, line))
		}
	}
	return faults
}
