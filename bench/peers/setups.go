package main

// The ways in which each library is set up. The files of the libraries say how, and doc.go where that comes from.
var (
	ourSend       = setup{name: ours, open: openSend}
	ourDo         = setup{name: ours + ": Do", blocks: true, open: openDo}
	actors        = setup{name: "Proto.Actor: an actor for each aggregate, Send", open: openActors}
	actorRequests = setup{name: "Proto.Actor: RequestFuture", blocks: true, open: openActorRequests}
	millAsync     = setup{name: "Watermill: command bus, publish", open: openMill}
	millBlocking  = setup{name: "Watermill: command bus, block until ack", blocks: true, open: openMillBlocking}
	horizon       = setup{name: "Event Horizon: HandleCommand", blocks: true, open: openHorizon}
	horizonLocked = setup{name: "Event Horizon: HandleCommand with its lock", blocks: true, open: openHorizonLocked}
	goesCached    = setup{name: "goes: repository, cached aggregates", blocks: true, open: openGoesCached}
	goesUse       = setup{name: "goes: repository, Use", blocks: true, open: openGoesUse}
	goesBus       = setup{name: "goes: command bus, sync", blocks: true, open: openGoesBus}
)

// The ways in which each library is set up with five handlers.
var (
	ourFive      = boardSetup{name: ours, open: openOurBoard}
	chainBoard   = boardSetup{name: chainFive, open: openChainBoard}
	actorFive    = boardSetup{name: "Proto.Actor: five actors", most: 100_000, open: openActorBoard}
	millFive     = boardSetup{name: "Watermill: event bus, publish", most: 5000, open: openMillBoard}
	millFiveAcks = boardSetup{name: "Watermill: event bus, block until ack", most: 5000, open: openMillBoardBlocking}
	goesFive     = boardSetup{name: "goes: event bus", most: 20_000, open: openGoesBoard}
	horizonFive  = boardSetup{name: "Event Horizon: local event bus", most: 500, open: openHorizonBoard}
)
