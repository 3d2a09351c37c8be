package simulate

import "time"

// place is where something can happen.
type place int

// The places.
const (
	nowhere place = iota
	first
	second
	third
	decider
	evolver
	types
	calling
	storing
	loading
	arriving
	waiting
	hearing
	passing
	ending
)

func (p place) String() string {
	return [...]string{
		"nowhere", "handler 0", "handler 1", "handler 2", "decider", "evolve", "registry", "call of the store", "append", "load",
		"source", "client", "follower", "detour", "end",
	}[p]
}

// isHandler tells whether it is the code of a handler.
func (p place) isHandler() bool { return p >= first && p <= third }

// A spot is a place, as one command comes to it: what delays and faults are drawn for.
type spot struct {
	place  place
	number int // of the command, or of whatever it is
	time   int // the life; for handlers, which of the times that the command was sent
}

// ours is how far apart the instants are that belong to one spot, and share is the one of them in each such stretch: no
// two spots have one in common.
const ours = mostCommands * 16 * 8 * time.Nanosecond

func (at spot) share() time.Duration {
	return time.Duration(at.number%mostCommands*16*8 + int(at.place)*8 + at.time%8)
}

// instant gives how long it is from now, the age of the world, until an instant of the spot about d away.
func (at spot) instant(now, d time.Duration) time.Duration {
	due := (now+d)/ours*ours + at.share()
	for due <= now {
		due += ours
	}
	return due - now
}
