// Package liveview draws the live figures of a hotline as text for a terminal
// of 80 columns, in Chinese with English beside. What the API answered enters;
// a string leaves. It is pure; who shows it decides when and where.
package liveview
