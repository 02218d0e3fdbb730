package dynamodb

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cloudplugins/difyplugin/sandbox/aws"
)

// step leads from a value into it: to a member of a map, or to an element of a list.
type step struct {
	name   string
	number int // -1 for a name
}

// path leads from an item to a value in it.
type path []step

func (p path) String() string {
	parts := make([]string, len(p))
	for i, s := range p {
		parts[i] = s.name
		if s.number >= 0 {
			parts[i] = fmt.Sprintf("[%d]", s.number)
		}
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// overlaps reports whether one path leads to the other's value or through it.
func (p path) overlaps(other path) bool {
	shorter := min(len(p), len(other))
	return slices.Equal(p[:shorter], other[:shorter])
}

func (s *scanner) path() (path, *aws.Error) {
	first, failed := s.name()
	p := path{first}
	for failed == nil {
		switch {
		case s.accept("."):
			first, failed = s.name()
		case s.accept("["):
			first, failed = s.element()
		default:
			return p, nil
		}
		p = append(p, first)
	}
	return nil, failed
}

// name reads the name of an attribute, or a placeholder for one. Reserved words need a placeholder.
func (s *scanner) name() (step, *aws.Error) {
	written := s.take()
	if strings.HasPrefix(written, "#") {
		name, ok := s.used.names[written]
		if !ok {
			return step{}, invalid("Invalid %s: An expression attribute name used in the document path is not defined; attribute name: %s", s.kind, written)
		}
		s.used.usedNames[written] = true
		return step{name: name, number: -1}, nil
	}
	if c := written[0]; (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
		return step{}, s.syntaxError(written)
	}
	if isReserved(written) {
		return step{}, invalid("Invalid %s: Attribute name is a reserved keyword; reserved keyword: %s", s.kind, written)
	}
	return step{name: written, number: -1}, nil
}

func (s *scanner) element() (step, *aws.Error) {
	written := s.take()
	number, err := strconv.ParseUint(written, 10, 31)
	if err != nil {
		return step{}, s.syntaxError(written)
	}
	return step{number: int(number)}, s.expect("]")
}

// find follows a path.
func (it item) find(p path) (value, bool) {
	at := value{kind: typeMap, items: it}
	for _, s := range p {
		switch {
		case s.number < 0 && at.kind == typeMap:
			member, ok := at.items[s.name]
			if !ok {
				return value{}, false
			}
			at = member
		case s.number >= 0 && at.kind == typeList && s.number < len(at.list):
			at = at.list[s.number]
		default:
			return value{}, false
		}
	}
	return at, true
}

// change replaces the value at a path by what the function makes of it. All but the last step must exist. The function
// returns false for no value; an element behind the end of a list is appended.
func (v *value) change(p path, do func(value, bool) (value, bool)) *aws.Error {
	if len(p) == 0 {
		*v, _ = do(*v, true)
		return nil
	}
	s := p[0]
	switch {
	case s.number < 0 && v.kind == typeMap:
		return v.changeMember(s.name, p[1:], do)
	case s.number >= 0 && v.kind == typeList:
		return v.changeElement(s.number, p[1:], do)
	default:
		return errBadPath()
	}
}

func errBadPath() *aws.Error {
	return invalid("The document path provided in the update expression is invalid for update")
}

func (v *value) changeMember(name string, rest path, do func(value, bool) (value, bool)) *aws.Error {
	member, ok := v.items[name]
	if len(rest) > 0 {
		if !ok {
			return errBadPath()
		}
		failed := member.change(rest, do)
		v.items[name] = member
		return failed
	}
	if changed, keep := do(member, ok); keep {
		v.items[name] = changed
	} else {
		delete(v.items, name)
	}
	return nil
}

func (v *value) changeElement(number int, rest path, do func(value, bool) (value, bool)) *aws.Error {
	ok := number < len(v.list)
	if len(rest) > 0 {
		if !ok {
			return errBadPath()
		}
		return v.list[number].change(rest, do)
	}
	var element value
	if ok {
		element = v.list[number]
	}
	changed, keep := do(element, ok)
	switch {
	case keep && ok:
		v.list[number] = changed
	case keep:
		v.list = append(v.list, changed)
	case ok:
		v.list = slices.Delete(v.list, number, number+1)
	}
	return nil
}

// project keeps what the paths lead to, in the maps and lists that hold it.
func (it item) project(paths []path) item {
	if paths == nil {
		return it
	}
	kept := value{kind: typeMap, items: item{}}
	for _, p := range paths {
		if found, ok := it.find(p); ok {
			kept.put(p, found)
		}
	}
	return kept.items
}

// put makes the maps and lists that lead to a value. Elements of lists move together, in the order of the paths.
func (v *value) put(p path, found value) {
	if len(p) == 0 {
		*v = found
		return
	}
	var inner value
	if len(p) > 1 {
		inner.kind = typeMap
		if p[1].number >= 0 {
			inner.kind = typeList
		}
	}
	if p[0].number >= 0 {
		inner.put(p[1:], found)
		v.list = append(v.list, inner)
		return
	}
	if v.items == nil {
		v.items = item{}
	}
	if member, ok := v.items[p[0].name]; ok {
		inner = member
	}
	inner.put(p[1:], found)
	v.items[p[0].name] = inner
}

// projection reads the paths of a projection expression; nil without one.
func readProjection(expression string, used *usage) ([]path, *aws.Error) {
	if expression == "" {
		return nil, nil
	}
	s, failed := scan("ProjectionExpression", expression, used)
	if failed != nil {
		return nil, failed
	}
	paths, failed := s.paths()
	if failed != nil {
		return nil, failed
	}
	return paths, s.end()
}

func (s *scanner) paths() ([]path, *aws.Error) {
	var paths []path
	for {
		p, failed := s.path()
		if failed != nil {
			return nil, failed
		}
		if failed := s.checkOverlap(paths, p); failed != nil {
			return nil, failed
		}
		paths = append(paths, p)
		if !s.accept(",") {
			return paths, nil
		}
	}
}

func (s *scanner) checkOverlap(paths []path, p path) *aws.Error {
	for _, other := range paths {
		if other.overlaps(p) {
			return invalid("Invalid %s: Two document paths overlap with each other; must remove or rewrite one of these paths; path one: %s, path two: %s", s.kind, other, p)
		}
	}
	return nil
}
