package bench

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"iter"
	"path"
	"slices"
	"strings"
)

// A tree is what the house test sees of the repository: every file that git would keep.
type tree struct {
	fset    *token.FileSet
	ignored []string // patterns of .gitignore
	paths   []string // files and folders, slash separated, from the top
	sources []*source
	texts   map[string]string // content of every text file, by path
}

// A source is one parsed Go file.
type source struct {
	path  string
	room  string // its folder
	test  bool
	lines int
	file  *ast.File
}

func loadTree(fsys fs.FS) (*tree, error) {
	t := &tree{fset: token.NewFileSet(), texts: map[string]string{}}
	if ignore, err := fs.ReadFile(fsys, ".gitignore"); err == nil {
		t.ignored = strings.Fields(string(ignore))
	}
	err := fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil || name == ".":
			return err
		case name == ".git" || t.isIgnored(name):
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		t.paths = append(t.paths, name)
		if entry.Type().IsRegular() {
			return t.read(fsys, name)
		}
		return nil
	})
	return t, err
}

func (t *tree) read(fsys fs.FS, name string) error {
	content, err := fs.ReadFile(fsys, name)
	if err != nil || bytes.IndexByte(content, 0) >= 0 {
		return err
	}
	t.texts[name] = string(content)
	if path.Ext(name) != ".go" || strings.Contains(name, "testdata/") {
		return nil
	}
	file, err := parser.ParseFile(t.fset, name, content, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	t.sources = append(t.sources, &source{
		path:  name,
		room:  path.Dir(name),
		test:  strings.HasSuffix(name, "_test.go"),
		lines: bytes.Count(content, []byte("\n")),
		file:  file,
	})
	return nil
}

// isIgnored knows the plain patterns that .gitignore uses here: a name from the top, with or without a slash behind,
// and a file name with stars.
func (t *tree) isIgnored(name string) bool {
	return slices.ContainsFunc(t.ignored, func(pattern string) bool {
		place := path.Base(name)
		if strings.HasPrefix(pattern, "/") {
			place = "/" + name
		}
		match, err := path.Match(strings.TrimSuffix(pattern, "/"), place)
		return err == nil && match
	})
}

// product yields the files that are no tests.
func (t *tree) product() iter.Seq[*source] {
	return func(yield func(*source) bool) {
		for _, s := range t.sources {
			if !s.test && !yield(s) {
				return
			}
		}
	}
}

// has says whether a file or folder is there.
func (t *tree) has(name string) bool {
	return slices.Contains(t.paths, name)
}

// where gives the place of a node as path:line.
func (t *tree) where(node ast.Node) string {
	position := t.fset.Position(node.Pos())
	position.Column = 0
	return position.String()
}

func (t *tree) lines(node ast.Node) int {
	return t.fset.Position(node.End()).Line - t.fset.Position(node.Pos()).Line + 1
}

// A declared is one name that a file declares at package level, or one method.
type declared struct {
	ident    *ast.Ident
	receiver string // of a method: the name of its type
	kind     *ast.FuncType
	doc      bool
}

func (d declared) isMethod() bool { return d.receiver != "" }

// isExported says whether another package can name it.
func (d declared) isExported() bool {
	return d.ident.IsExported() && (!d.isMethod() || ast.IsExported(d.receiver))
}

// String is the name as it is written outside its package: Type.Method or Name.
func (d declared) String() string {
	if d.isMethod() {
		return d.receiver + "." + d.ident.Name
	}
	return d.ident.Name
}

// declarations gives all names of a file, with the methods of its interfaces.
func (s *source) declarations() []declared {
	var all []declared
	for _, decl := range s.file.Decls {
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			all = append(all, declared{decl.Name, receiver(decl), decl.Type, decl.Doc != nil})
		case *ast.GenDecl:
			for _, spec := range decl.Specs {
				all = append(all, specNames(decl, spec)...)
			}
		}
	}
	return all
}

// specNames gives the names of one const, var or type. Constants and variables may share the comment of their group.
func specNames(group *ast.GenDecl, spec ast.Spec) []declared {
	var all []declared
	switch spec := spec.(type) {
	case *ast.ValueSpec:
		doc := group.Doc != nil || spec.Doc != nil || spec.Comment != nil
		for _, name := range spec.Names {
			all = append(all, declared{ident: name, doc: doc})
		}
	case *ast.TypeSpec:
		doc := spec.Doc != nil || (group.Doc != nil && !group.Lparen.IsValid())
		all = append(all, declared{ident: spec.Name, doc: doc})
		if contract, ok := spec.Type.(*ast.InterfaceType); ok {
			all = append(all, interfaceMethods(spec.Name.Name, contract)...)
		}
	}
	return all
}

func interfaceMethods(name string, contract *ast.InterfaceType) []declared {
	var all []declared
	for _, field := range contract.Methods.List {
		if kind, ok := field.Type.(*ast.FuncType); ok && len(field.Names) == 1 {
			// The comment of the interface may speak for its methods.
			all = append(all, declared{field.Names[0], name, kind, true})
		}
	}
	return all
}

// receiver gives the name of the type that a method belongs to; a function has none.
func receiver(decl *ast.FuncDecl) string {
	if decl.Recv == nil {
		return ""
	}
	kind := decl.Recv.List[0].Type
	for {
		switch k := kind.(type) {
		case *ast.StarExpr:
			kind = k.X
		case *ast.ParenExpr:
			kind = k.X
		case *ast.IndexExpr:
			kind = k.X
		case *ast.IndexListExpr:
			kind = k.X
		case *ast.Ident:
			return k.Name
		default:
			return "?"
		}
	}
}
