alone = encoder.states(["It is warming"])
n = int(alone.mask.sum())
same = np.abs(states.values[0, :n] - alone.values[0]).max()
print("largest change of a state by the padding beside it:", f"{same:.1e}")

careless = states.values.mean(axis=1)[0]  # a mean over padding as well
change = np.linalg.norm(careless - alone.mean()[0]) / np.linalg.norm(alone.mean()[0])
print("change of the vector if padding is averaged in:", f"{change:.0%}")
