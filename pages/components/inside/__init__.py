"""What the page Inside the LSTM draws."""
