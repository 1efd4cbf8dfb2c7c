"""The registered rules of the 2020 report that saw nothing: who drew its figures, and what took the lead of tickets."""
