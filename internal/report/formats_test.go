package report_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"hotline/internal/bulletin/bulletintest"
	"hotline/internal/report"
)

// The first block of the CSV is what programs of the city read: it keeps its form.
func TestCSVBeginsWithTheService(t *testing.T) {
	r := assemble(t, bulletintest.Input(aDay, readAt))
	block, _, _ := strings.Cut(string(written(t, "csv", "zh", r)), "\n\n")
	want := `话务类别,人工接听话务量（通）,人工接听话务量同比（%）,人工接通率（%）,人工接通率同比（百分点）,平均等待时长（秒）,平均等待时长同比（%）,平均通话时长（秒）,平均通话时长同比（%）,通话时长超10分钟占比（%）,通话时长超10分钟占比同比（百分点）
接听,2150,-3.85,98.44,-0.02,6,0.00,216,0.00,1.02,0.04
呼出,236,-3.67,,,,,140,0.00,0.00,
总计,2386,-3.83,,,,,208,-0.48,0.92,0.03`
	if block != want {
		t.Errorf("got\n%s\nwant\n%s", block, want)
	}
}

func TestWorkbookHoldsNumbers(t *testing.T) {
	r := assemble(t, bulletintest.Input(aMonth, readAt))
	book, err := excelize.OpenReader(bytes.NewReader(written(t, "xlsx", "zh", r)))
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	want := "话务服务 往期对比 高峰 接通及时率 逐日话务 一周热力 队列 回拨 溢出去向 坐席 口径说明"
	if got := strings.Join(book.GetSheetList(), " "); got != want {
		t.Errorf("sheets %s, want %s", got, want)
	}
	for _, c := range []struct{ sheet, cell, raw, shown string }{
		{"话务服务", "B2", "88099", "88099"},
		{"话务服务", "D2", "0.982", "98.20%"},
		{"话务服务", "C2", "0.0309", "↑3.09%"},
		{"话务服务", "D3", "", ""}, // 呼出 has no connect rate
		{"往期对比", "D2", "0.1111", "↑11.11%"},
		{"逐日话务", "B32", "2184", "2184"},
		{"一周热力", "K2", "331", "331"},
		{"坐席", "G2", "0.7367", "73.67%"},
	} {
		raw, err := book.GetCellValue(c.sheet, c.cell, excelize.Options{RawCellValue: true})
		if err != nil {
			t.Fatal(err)
		}
		shown, err := book.GetCellValue(c.sheet, c.cell)
		if err != nil {
			t.Fatal(err)
		}
		kind, err := book.GetCellType(c.sheet, c.cell)
		if err != nil {
			t.Fatal(err)
		}
		if raw != c.raw || shown != c.shown || kind == excelize.CellTypeSharedString || kind == excelize.CellTypeInlineString {
			t.Errorf("%s %s: %q shown as %q (type %d), want %q and %q", c.sheet, c.cell, raw, shown, kind, c.raw, c.shown)
		}
	}
	props, err := book.GetDocProps()
	if err != nil || props.Title != "12345热线话务月报 2026年1月" || props.Creator != "示例市12345政府公共服务中心" || props.Created != "2026-01-31T16:30:00Z" || props.Language != "zh-CN" {
		t.Errorf("properties %+v, %v", props, err)
	}
	titles := map[string]string{}
	for _, name := range book.GetDefinedName() {
		titles[name.Scope] = name.RefersTo
	}
	for _, sheet := range book.GetSheetList() {
		page, err := book.GetPageLayout(sheet)
		foot, failed := book.GetHeaderFooter(sheet)
		if err != nil || failed != nil || *page.Size != 9 || *page.FitToWidth != 1 || !strings.Contains(foot.OddFooter, "已结账31/31天") || !strings.Contains(foot.OddFooter, "&P") {
			t.Errorf("%s: paper %+v, foot %+v, %v, %v", sheet, page, foot, err, failed)
		}
	}
	for _, sheet := range book.GetSheetList()[:10] {
		if titles[sheet] != "'"+sheet+"'!$1:$1" {
			t.Errorf("%s repeats %q on each page", sheet, titles[sheet])
		}
		if panes, err := book.GetPanes(sheet); err != nil || !panes.Freeze || panes.YSplit != 1 {
			t.Errorf("%s: panes %+v, %v", sheet, panes, err)
		}
	}
}

func TestPageNeedsNothingElse(t *testing.T) {
	in := bulletintest.Input(aDay, readAt)
	in.Office = `<script>alert("x")</script>`
	in.Queues[0].Title = `a<b&"c"`
	page := string(written(t, "html", "zh", assemble(t, in)))
	for _, bad := range []string{"<script", "http:", "https:", "src=", "<link", "url(", "@import", "a<b"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page has %s", bad)
		}
	}
	for _, part := range []string{`<html lang="zh-CN">`, "@page", "<svg", "a&lt;b&amp;", `<th scope="row">`, `aria-labelledby="s4"`, `content: "2026-02-01 00:30 制表，校验值 9f86d081884c"`} {
		if !strings.Contains(page, part) {
			t.Errorf("the page lacks %s", part)
		}
	}
}

// Of an hour only what was counted is told: a 0 would read as a figure.
func TestJSONTellsWhatIsKnown(t *testing.T) {
	var got struct {
		Hours []struct {
			Figures map[string]any `json:"figures"`
		} `json:"hours"`
		Agents []struct {
			Figures  map[string]any   `json:"figures"`
			Counters map[string]int64 `json:"counters"`
		} `json:"agents"`
	}
	if err := json.Unmarshal(written(t, "json", "zh", assemble(t, bulletintest.Input(aDay, readAt))), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Hours) != 24 || len(got.Hours[0].Figures) != 4 || got.Hours[9].Figures["offered"] != 228.0 {
		t.Errorf("hours: %v", got.Hours)
	}
	if len(got.Agents) != 30 || got.Agents[0].Figures["occupancy"] != 73.64 || got.Agents[0].Figures["offered"] != nil || got.Agents[0].Counters["talk_ms"] == 0 {
		t.Errorf("agents: %v", got.Agents[0])
	}
}

func TestBulletinInUnknownLanguage(t *testing.T) {
	err := report.WriteBulletin(&bytes.Buffer{}, "csv", "fr", assemble(t, bulletintest.Input(aDay, readAt)))
	if err == nil || !strings.Contains(err.Error(), "zh or en") {
		t.Errorf("got %v", err)
	}
}
