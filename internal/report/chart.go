package report

import (
	"fmt"
	"html/template"
	"math"
	"strconv"
	"strings"

	"hotline/internal/bulletin"
)

// The drawing's measures, in its own units; the page scales it to its width.
const (
	chartWidth, chartHeight = 720.0, 165.0
	chartLeft, chartRight   = 44.0, 8.0
	chartTop, chartBottom   = 20.0, 20.0
	chartLabels             = 32 // as many find room below
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
	p := plot{top: step * max(1, math.Ceil(most/step)), slots: len(t.Rows)}
	fmt.Fprintf(&p.b, `<svg viewBox="0 0 %g %g" role="img" aria-label="%s">`, chartWidth, chartHeight, template.HTMLEscapeString(c.Title))
	p.axes(step, c.Labels)
	if c.Line {
		p.line(series[0])
	} else {
		p.bars(series)
		for i, column := range c.Columns {
			p.legend(i, t.Columns[column].Head)
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
	top   float64 // the value at the upper edge
	slots int
}

func (p *plot) y(v float64) float64 {
	return chartHeight - chartBottom - v/p.top*(chartHeight-chartTop-chartBottom)
}

func (p *plot) slot() float64 { return (chartWidth - chartLeft - chartRight) / float64(p.slots) }

// x is the middle of a slot.
func (p *plot) x(i int) float64 { return chartLeft + (float64(i)+0.5)*p.slot() }

func (p *plot) axes(step float64, labels []string) {
	for v := 0.0; v <= p.top; v += step {
		class := "grid"
		if v == 0 {
			class = "axis"
		}
		fmt.Fprintf(&p.b, `<line class="%s" x1="%g" x2="%g" y1="%.1f" y2="%.1f"/>`, class, chartLeft, chartWidth-chartRight, p.y(v), p.y(v))
		fmt.Fprintf(&p.b, `<text x="%g" y="%.1f" text-anchor="end">%s</text>`, chartLeft-5, p.y(v)+3.5, strconv.FormatFloat(v, 'f', -1, 64))
	}
	every := (len(labels) + chartLabels - 1) / chartLabels
	for i, label := range labels {
		if i%every == 0 {
			fmt.Fprintf(&p.b, `<text x="%.1f" y="%g" text-anchor="middle">%s</text>`, p.x(i), chartHeight-6, template.HTMLEscapeString(label))
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

func (p *plot) legend(i int, name string) {
	x := chartLeft + 4 + 150*float64(i)
	fmt.Fprintf(&p.b, `<rect class="b%d" x="%g" y="3" width="14" height="9"/><text x="%g" y="11">%s</text>`, i, x, x+19, template.HTMLEscapeString(name))
}
