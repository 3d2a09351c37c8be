package memory

// index finds entries by a hash, which its user seeds, so that nobody can choose what collides: a hash table (extendible
// hashing; open addressing inside a bucket). To find that something is new costs three misses of the processor's cache, the
// pointer to the bucket, the bucket's count and the slot, which can be fetched ahead; a Go map costs several, and misses are
// what an append in memory is made of. It grows by a bucket at a time: that moves the slots of one bucket, and now and then
// copies a part's pointers, one for some 30 entries. Only those pointers are left to the garbage collector.
type index struct{ parts [indexParts]part }

// indexParts makes them so many that none has to copy many pointers at once, and so few that a small index is small.
const indexParts = 16

// entry is what an index finds: a number from 1 on that says where something is kept. The zero entry is none.
type entry uint64

const entryBits = 40

// bucket is where an entry with this hash is; nil when its part is empty.
func (x *index) bucket(hash uint64) *bucket {
	return x.parts[hash%indexParts].bucket(tagOf(hash))
}

// prefetch reads what find and add will read first for a hash, the bucket's count and the slot: the processor fetches
// both. The value means nothing.
func (x *index) prefetch(hash uint64) uint64 {
	b := x.bucket(hash)
	if b == nil {
		return 0
	}
	return b.slots[placeOf(tagOf(hash))] ^ uint64(b.count)
}

// find gives the entry with a hash that is the one looked for, or none.
func (x *index) find(hash uint64, is func(entry) bool) entry {
	b, tag := x.bucket(hash), tagOf(hash)
	if b == nil {
		return 0
	}
	for at := placeOf(tag); b.slots[at] != 0; at = behind(at) {
		if found := entry(b.slots[at] & (1<<entryBits - 1)); tagOf(b.slots[at]) == tag && is(found) {
			return found
		}
	}
	return 0
}

// add enters what is not there yet.
func (x *index) add(hash uint64, e entry) {
	tag, p := tagOf(hash), &x.parts[hash%indexParts]
	if len(*p) == 0 {
		*p = part{new(bucket)}
	}
	b := p.bucket(tag)
	for b.count == mostSlots { // ends: so many seeded hashes never are the same
		p.split(tag)
		b = p.bucket(tag)
	}
	b.put(tag<<entryBits | uint64(e))
}
