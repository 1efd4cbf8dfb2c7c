"""What is registered and how it is judged: the paper's claims, those of later papers, and the rules of both."""
