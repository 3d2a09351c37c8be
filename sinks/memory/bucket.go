package memory

// part is a sixteenth of an index: none, or a power of two of pointers to buckets, looked up by the lowest bits of a tag.
// A bucket whose slots share fewer bits than that stands there more than once.
type part []*bucket

// bucket holds slots of 64 bits: the upper 24 are the tag, bits of a hash; the lower 40 are an entry. An empty slot
// is 0, and some always are.
type bucket struct {
	depth, count uint32 // the lowest bits of the tag that all slots share, and how many slots are full
	slots        [bucketSlots]uint64
}

const (
	tagBits     = 64 - entryBits
	bucketSlots = 63 // with the two numbers before them 512 bytes
	mostSlots   = 50 // in use: a search ends at an empty one, and soon
)

// tagOf is the upper 24 bits of a hash, or of a slot.
func tagOf(hash uint64) uint64 { return hash >> entryBits }

// bucket is where a tag is; nil when the part is empty.
func (p part) bucket(tag uint64) *bucket {
	if len(p) == 0 {
		return nil
	}
	return p[tag&uint64(len(p)-1)]
}

// placeOf is where a tag is looked for first, by its upper bits: the lower ones are much the same in all of a bucket.
func placeOf(tag uint64) uint64 {
	const upper = tagBits / 2
	return ((tag >> upper) * bucketSlots) >> upper
}

// behind is the place that is looked at next; behind the last one comes the first.
func behind(at uint64) uint64 {
	if at++; at == bucketSlots {
		return 0
	}
	return at
}

// put enters a slot into the first empty place from its own on.
func (b *bucket) put(slot uint64) {
	at := placeOf(tagOf(slot))
	for b.slots[at] != 0 {
		at = behind(at)
	}
	b.slots[at] = slot
	b.count++
}

// split makes two buckets of the one where a tag is, by one bit more.
func (p *part) split(tag uint64) {
	b := p.bucket(tag)
	old, bit := *b, uint64(1)<<b.depth
	if bit == uint64(len(*p)) {
		*p = append(*p, *p...)
	}
	*b = bucket{depth: old.depth + 1}
	other := &bucket{depth: old.depth + 1}
	for _, slot := range old.slots {
		switch {
		case slot == 0:
		case tagOf(slot)&bit == 0:
			b.put(slot)
		default:
			other.put(slot)
		}
	}
	// Of the pointers to the old one, those with the new bit.
	for at := tag&(bit-1) | bit; at < uint64(len(*p)); at += 2 * bit {
		(*p)[at] = other
	}
}
