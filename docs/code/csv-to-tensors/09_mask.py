alone = encoder.states(["It is warming"])
n = alone.mask.sum()
change = np.abs(states.values[0, :n] - alone.values[0]).max()
print(f"largest change of a state by the padding beside it: {change:.1e}")
