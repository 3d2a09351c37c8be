package middleware

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"

	"github.com/orchestrix-go/orchestrix/engine"
)

// maxFaults bounds what is kept of a payload that has very many faults.
const maxFaults = 100

// validator is a payload that can tell what is wrong with it.
type validator interface{ Validate() error }

// Validate asks each payload that has a method Validate() error, of its own or of a pointer to it, before it is handled.
// What that returns becomes an *engine.ValidationError, with one fault for each error that errors.Join has joined: the
// sender hears of all of them at once. A refusal made by engine.Reject stays one. A payload that is still engine.Raw is not
// asked.
func Validate() engine.Middleware {
	return engine.Middleware{Name: "validate", Wrap: func(next engine.Next) engine.Next {
		var byPointer sync.Map // reflect.Type of a payload -> whether a pointer to it is a validator
		return func(ctx context.Context, call engine.Call) ([]any, error) {
			if err := validate(call.Data, &byPointer); err != nil {
				return nil, err
			}
			return next(ctx, call)
		}
	}}
}

func validate(data any, byPointer *sync.Map) error {
	v, ok := data.(validator)
	if !ok {
		if v = pointed(data, byPointer); v == nil {
			return nil
		}
	}
	err := v.Validate()
	if err == nil || errors.Is(err, engine.ErrRejected) {
		return err
	}
	if _, is := errors.AsType[*engine.ValidationError](err); is {
		return err
	}
	faults := unfold(nil, err)
	if more := len(faults) - maxFaults; more > 0 {
		faults = append(faults[:maxFaults:maxFaults], fmt.Errorf("and %d more", more))
	}
	return &engine.ValidationError{Faults: faults}
}

// pointed gives a pointer to a copy of the payload when that can validate, and nil otherwise.
func pointed(data any, byPointer *sync.Map) validator {
	typ := reflect.TypeOf(data)
	if typ == nil {
		return nil
	}
	can, known := byPointer.Load(typ)
	if !known {
		can = reflect.PointerTo(typ).Implements(reflect.TypeFor[validator]())
		byPointer.Store(typ, can)
	}
	if can == false {
		return nil
	}
	pointer := reflect.New(typ)
	pointer.Elem().Set(reflect.ValueOf(data))
	return pointer.Interface().(validator)
}

// unfold lists what errors.Join has joined. Errors that say more than the ones they wrap stay whole.
func unfold(list []error, err error) []error {
	j, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return append(list, err)
	}
	parts := j.Unwrap()
	texts := make([]string, len(parts))
	for i, part := range parts {
		texts[i] = part.Error()
	}
	if len(parts) == 0 || err.Error() != strings.Join(texts, "\n") {
		return append(list, err)
	}
	for _, part := range parts {
		list = unfold(list, part)
	}
	return list
}
