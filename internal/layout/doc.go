// Package layout holds no code: its tests keep the rooms of this module apart.
package layout
