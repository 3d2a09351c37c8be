package page_test

import (
	"fmt"
	"strings"

	"github.com/orchestrix-go/orchestrix/bench"
	"github.com/orchestrix-go/orchestrix/bench/page"
)

func Example() {
	study := bench.Study{
		Name: "seed", Finding: "Five handlers that wait take as long as one", Unit: "ms", Less: true,
		Rows: []bench.Row{
			{Name: "one after another", Samples: []float64{554.2, 549.7, 558.2}},
			{Name: "all at once", Ours: true, Samples: []float64{1.41, 1.4, 1.53}},
		},
	}
	study.Checks = []bench.Check{bench.AtLeast("speed-up", study.Ratio("one after another", "all at once"), 10)}

	var html strings.Builder // in a program: os.Create("index.html")
	if err := page.Write(&html, bench.Report{Studies: []bench.Study{study}}); err != nil {
		fmt.Println(err)
	}
	fmt.Println(strings.Contains(html.String(), "<h1>The one check holds</h1>"))
	// Output: true
}
