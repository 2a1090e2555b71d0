"""How good pictures become: against real or made references, under noise, on smooth gradients, from frame to frame."""
