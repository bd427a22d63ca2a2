package report

import (
	"fmt"
	"html/template"
	"math"
	"strconv"
	"strings"

	"github.com/mattn/go-runewidth"

	"hotline/internal/bulletin"
)

// The drawing's measures, in its own units; the page scales it to its width.
const (
	chartWidth, chartHeight = 720.0, 165.0
	chartRight              = 26.0 // room for the unit of the labels
	chartTop, chartBottom   = 24.0, 18.0
	chartLabels             = 32 // as many find room below
	letterWidth             = 5.6
)

// chart draws columns of a table as SVG. Fill and outline differ in lightness, so
// that the drawing can be read in black and white too.
func chart(d bulletin.Document, c bulletin.Chart) template.HTML {
	t := d.Table(c.Table)
	series := make([][]float64, len(c.Columns))
	most := 0.0
	for i, column := range c.Columns {
		for _, row := range t.Rows {
			v, defined := row[column].Value.Float()
			if !defined {
				v = math.NaN()
			}
			series[i] = append(series[i], v)
			if v > most {
				most = v
			}
		}
	}
	step := tick(most)
	p := plot{top: step * max(1, math.Ceil(most/step)), slots: len(c.Labels)}
	p.left = 12 + letterWidth*float64(len(axisNumber(p.top)))
	fmt.Fprintf(&p.b, `<svg viewBox="0 0 %g %g" role="img" aria-label="%s">`, chartWidth, chartHeight, template.HTMLEscapeString(c.Alt))
	p.axes(step, c)
	if c.Line {
		p.line(series[0])
	} else {
		p.bars(series)
		at := p.left + 40
		for i, column := range c.Columns {
			at = p.legend(i, at, t.Columns[column].Head)
		}
	}
	p.b.WriteString("</svg>")
	return template.HTML(p.b.String())
}

// tick is a round distance of grid lines of which four or five reach the value.
func tick(most float64) float64 {
	if most <= 0 {
		return 1
	}
	power := math.Pow10(int(math.Floor(math.Log10(most / 4))))
	for _, m := range []float64{1, 2, 2.5, 5} {
		if step := m * power; most/step <= 5 && step >= 1 {
			return step
		}
	}
	return max(1, 10*power)
}

type plot struct {
	b     strings.Builder
	left  float64 // of the axis, after its numbers
	top   float64 // the value at the upper edge
	slots int
}

func (p *plot) y(v float64) float64 {
	return chartHeight - chartBottom - v/p.top*(chartHeight-chartTop-chartBottom)
}

func (p *plot) slot() float64 { return (chartWidth - p.left - chartRight) / float64(p.slots) }

// x is the middle of a slot.
func (p *plot) x(i int) float64 { return p.left + (float64(i)+0.5)*p.slot() }

func axisNumber(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

func (p *plot) text(x, y float64, anchor, text string) {
	fmt.Fprintf(&p.b, `<text x="%.1f" y="%.1f" text-anchor="%s">%s</text>`, x, y, anchor, template.HTMLEscapeString(text))
}

// axes have their units at their ends.
func (p *plot) axes(step float64, c bulletin.Chart) {
	for v := 0.0; v <= p.top; v += step {
		class := "grid"
		if v == 0 {
			class = "axis"
		}
		fmt.Fprintf(&p.b, `<line class="%s" x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f"/>`, class, p.left, chartWidth-chartRight, p.y(v), p.y(v))
		p.text(p.left-5, p.y(v)+3.5, "end", axisNumber(v))
	}
	p.text(p.left-5, 11, "middle", c.Unit)
	p.text(chartWidth-chartRight+4, p.y(0)+3.5, "start", c.Across)
	every := (len(c.Labels) + chartLabels - 1) / chartLabels
	for i, label := range c.Labels {
		if i%every == 0 {
			p.text(p.x(i), chartHeight-5, "middle", label)
		}
	}
}

// bars draws the first series wide and light, the following narrower and dark in front.
func (p *plot) bars(series [][]float64) {
	for i, values := range series {
		width := p.slot() * []float64{0.8, 0.44}[i]
		for j, v := range values {
			if v > 0 {
				fmt.Fprintf(&p.b, `<rect class="b%d" x="%.1f" y="%.1f" width="%.1f" height="%.1f"/>`, i, p.x(j)-width/2, p.y(v), width, p.y(0)-p.y(v))
			}
		}
	}
}

// line leaves a gap where there is no value.
func (p *plot) line(values []float64) {
	var path, dots strings.Builder
	pen := "M"
	for i, v := range values {
		if math.IsNaN(v) {
			pen = "M"
			continue
		}
		fmt.Fprintf(&path, "%s%.1f %.1f", pen, p.x(i), p.y(v))
		fmt.Fprintf(&dots, `<circle class="dot" cx="%.1f" cy="%.1f" r="2.4"/>`, p.x(i), p.y(v))
		pen = "L"
	}
	fmt.Fprintf(&p.b, `<path class="line" d="%s"/>%s`, path.String(), dots.String())
}

// legend stands at x; the next one stands where it returns.
func (p *plot) legend(i int, x float64, name string) float64 {
	fmt.Fprintf(&p.b, `<rect class="b%d" x="%.1f" y="3" width="14" height="9"/>`, i, x)
	p.text(x+19, 11, "start", name)
	return x + 40 + letterWidth*float64(runewidth.StringWidth(name))
}
