package wecom

import (
	"context"
	"maps"
	"time"
)

// SetFaults replaces the faults; Faults{} ends them.
func (s *Server) SetFaults(f Faults) {
	f.Endpoint = maps.Clone(f.Endpoint)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = f
	clear(s.faultLeft)
	s.faultLeft[""] = f.All.Times
	for name, fault := range f.Endpoint {
		s.faultLeft[name] = fault.Times
	}
}

// Faults returns the faults in force.
func (s *Server) Faults() Faults {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.faults
	f.Endpoint = maps.Clone(f.Endpoint)
	return f
}

// fault returns what goes wrong with this call, and counts it down.
func (s *Server) fault(name string) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	fault, ok := s.faults.Endpoint[name]
	if !ok {
		name, fault = "", s.faults.All
	}
	if fault.Times > 0 {
		if s.faultLeft[name] == 0 {
			return Fault{}
		}
		s.faultLeft[name]--
	}
	return fault
}

// pause waits, but not for a caller that has gone.
func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
