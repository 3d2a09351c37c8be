package sqlite

import (
	"github.com/ncruces/go-sqlite3"

	"github.com/orchestrix-go/orchestrix/engine"
)

// letters looks at every dead letter: its checksum, and that its command can be read when it says so.
func (v *verifier) letters() error {
	return v.rows("SELECT "+letterColumns+" FROM letters ORDER BY number", func(q *sqlite3.Stmt) error {
		v.report.Letters++
		row, err := scanLetter(q)
		if err != nil || row.Command.Defect != nil {
			return err
		}
		if _, err := engine.UnmarshalCloudCommand(row.Command.Data.(engine.Raw)); err != nil {
			return corrupt("table letters, number %d: its command: %v", row.Number, err)
		}
		return nil
	})
}
