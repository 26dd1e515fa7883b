package wsconform

import "fmt"

// A Class is a class of the suite, or a part of one, and how many cases it has.
type Class struct {
	Number string
	Cases  int
}

// Numbering is what cases the suite has (release 25.10.1): class 8 and 11 have
// none, those of class 9 end with 9.8.
func Numbering() []Class {
	list := []Class{
		{"1.1", 8},
		{"1.2", 8},
		{"2", 11},
		{"3", 7},
		{"4.1", 5},
		{"4.2", 5},
		{"5", 20},
		{"6.1", 3},
		{"6.2", 4},
		{"6.3", 2},
		{"6.4", 4},
		{"6.5", 5},
		{"6.6", 11},
		{"6.7", 4},
		{"6.8", 2},
		{"6.9", 4},
		{"6.10", 3},
		{"6.11", 5},
		{"6.12", 8},
		{"6.13", 5},
		{"6.14", 10},
		{"6.15", 1},
		{"6.16", 3},
		{"6.17", 5},
		{"6.18", 5},
		{"6.19", 5},
		{"6.20", 7},
		{"6.21", 8},
		{"6.22", 34},
		{"6.23", 7},
		{"7.1", 6},
		{"7.3", 6},
		{"7.5", 1},
		{"7.7", 13},
		{"7.9", 9},
		{"7.13", 2},
		{"9.1", 6},
		{"9.2", 6},
		{"9.3", 9},
		{"9.4", 9},
		{"9.5", 6},
		{"9.6", 6},
		{"9.7", 6},
		{"9.8", 6},
		{"10.1", 1},
	}
	for i := range 5 {
		list = append(list, Class{fmt.Sprint("12.", 1+i), 18})
	}
	for i := range 7 {
		list = append(list, Class{fmt.Sprint("13.", 1+i), 18})
	}
	return list
}

// Suite is how many cases Numbering counts.
const Suite = 517
