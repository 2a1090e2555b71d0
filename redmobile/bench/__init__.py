"""How fast a network is: plans, measuring in a process of its own, figures that say when they are not to be trusted."""
