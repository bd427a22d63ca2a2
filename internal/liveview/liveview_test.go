package liveview

import (
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"hotline/internal/acd"
	"hotline/internal/httpapi/view"
)

var update = flag.Bool("update", false, "write testdata anew")

func full() Board {
	rate, wait, talk := json.Number("98.30"), json.Number("6"), json.Number("216")
	return Board{
		Title: "12345 政务服务便民热线 hotline · 12:00:05",
		Live: view.Snapshot{
			Queues: []view.Queue{
				{ID: "general", Title: "综合受理", Waiting: 12, LongestWait: view.Seconds(12900 * time.Millisecond), Talking: 30, Agents: map[acd.AgentState]int{acd.Ready: 2}},
				{ID: "business", Title: "企业服务与人才专线（尚贤）综合受理坐席组", Waiting: 1, LongestWait: view.Seconds(99999 * time.Second), Talking: 4},
			},
			Agents: []view.Agent{{State: acd.Ready}, {State: acd.Ready}, {State: acd.Ringing}, {State: acd.Talking}, {State: acd.WrapUp}, {State: acd.NotReady}, {State: acd.LoggedOut}},
		},
		Today: &view.Traffic{Site: view.Figures{Offered: 1126836, Answered: 1107680, Abandoned: 19156, ConnectRate: &rate, AverageWait: &wait, AverageTalk: &talk}},
		Notes: []string{"Ctrl-C 结束 ends it"},
	}
}

func TestRender(t *testing.T) {
	for name, board := range map[string]Board{"full": full(), "empty": {Title: "12345"}} {
		t.Run(name, func(t *testing.T) {
			got := Render(board) + Line(board) + "\n"
			path := "testdata/" + name + ".txt"
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

func TestFiguresStandInTheirColumns(t *testing.T) {
	board := full()
	board.Title = strings.Repeat("长", 100)
	for i, line := range strings.Split(strings.TrimSuffix(Render(board), "\n"), "\n") {
		if w := Width(line); w > Columns {
			t.Errorf("line %d is %d columns wide: %s", i+1, w, line)
		}
		if i > 0 && strings.Contains(line, "…") && !strings.Contains(line, "企业") {
			t.Errorf("line %d is cut: %s", i+1, line)
		}
		// The five lines of pairs end at one column, whatever the script.
		if w := Width(line); i >= 2 && i <= 6 && w != 78 {
			t.Errorf("line %d ends at column %d, want 78: %s", i+1, w, line)
		}
	}
}

func TestWidth(t *testing.T) {
	for s, want := range map[string]int{
		"": 0, "abc": 3, "热线": 4, "a热": 3, "（）": 4, "，。": 4, "—·…": 3, "ｱ": 1, "ア": 2, "e\u0301": 1, "Ａ": 2, "한": 2, "🙂": 2,
	} {
		if got := Width(s); got != want {
			t.Errorf("%q: got %d, want %d", s, got, want)
		}
	}
	for columns, want := range map[int]string{8: "综合受理", 7: "综合受…", 6: "综合…", 5: "综合…", 2: "…"} {
		if got := Cut("综合受理", columns); got != want || Width(got) > columns {
			t.Errorf("cut to %d: got %q, want %q", columns, got, want)
		}
	}
}
