//go:build unix

package attack_test

const childEnv = "GANNET_ATTACK_CHILD"

func child(string) int { return 1 }
