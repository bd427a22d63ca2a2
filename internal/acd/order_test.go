package acd

import (
	"cmp"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestOrderedYieldsTheLeastAndLetsAnyGo(t *testing.T) {
	type element struct {
		value int
		pos   position
	}
	rapid.Check(t, func(t *rapid.T) {
		set := newOrdered(func(a, b *element) bool { return a.value < b.value }, func(e *element) *position { return &e.pos })
		var all []*element
		for i := range rapid.IntRange(0, 60).Draw(t, "elements") {
			e := &element{value: rapid.IntRange(0, 20).Draw(t, "value")*100 + i}
			set.add(e)
			all = append(all, e)
			if rapid.Bool().Draw(t, "let go") {
				i := rapid.IntRange(0, len(all)-1).Draw(t, "of")
				set.remove(all[i])
				set.remove(all[i]) // is in no set any more
				all = slices.Delete(all, i, i+1)
			}
		}
		slices.SortFunc(all, func(a, b *element) int { return cmp.Compare(a.value, b.value) })
		if got := slices.Collect(set.all()); !slices.Equal(got, all) {
			t.Fatalf("yields %v, want %v", got, all)
		}
		for i, e := range set.items {
			if int(e.pos) != i {
				t.Fatalf("the element at %d has the position %d", i, e.pos)
			}
		}
		for _, e := range all {
			if set.min() != e {
				t.Fatalf("the least is %v, want %v", set.min(), e)
			}
			set.remove(e)
		}
		if set.Len() != 0 {
			t.Fatalf("%d are left", set.Len())
		}
	})
}
